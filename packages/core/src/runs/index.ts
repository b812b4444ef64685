export { checkHeldOut } from './held_out.ts';
export { mergeSettings, type PartialConfig, type RemovedOption, withoutRemoved } from './settings.ts';
