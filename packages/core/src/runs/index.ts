export { checkHeldOut } from './held_out.ts';
export { checkpointPath } from './run_files.ts';
export { mergeSettings, type PartialConfig, type RemovedOption, withoutRemoved } from './settings.ts';
