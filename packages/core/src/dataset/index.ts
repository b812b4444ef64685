export { type Dataset, openDataset, type PairList, type PairRecord, type Splits, writeSplits } from './dataset.ts';
export type { BuiltDataset } from './dataset_writer.ts';
export { isInside } from './inside.ts';
export { SPLITS, type Split } from './patch_pair.ts';
export { type PlaceGuard, placeGuard } from './place_guard.ts';
export { type Protocol, splitByPlace, splitByProtocol } from './split_by_place.ts';
export { SPLIT_NAMES, SPLITS_FILE } from './splits_file.ts';
