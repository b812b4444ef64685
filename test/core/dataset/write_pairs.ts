/** Writes the list of a data set without its patches. */
import {
  type DatasetHeader,
  formatPairs,
  PAIRS_FILE,
  type PairRecord,
} from '../../../packages/core/src/dataset/pairs_file.ts';
import { joinPath, type Store } from '../../../packages/core/src/store.ts';

export const writePairs = (store: Store, folder: string, header: DatasetHeader, records: readonly PairRecord[]) =>
  store.write(joinPath(folder, PAIRS_FILE), formatPairs(header, records));
