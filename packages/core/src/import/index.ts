export { filesIn, importFolder } from './folder.ts';
export { matchNames } from './match_names.ts';
export { importSarptical, type PointCoordinates } from './sarptical.ts';
export { type ImportHooks, importScenes, type ScenePair } from './scenes.ts';
