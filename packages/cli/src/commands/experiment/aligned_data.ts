/** Data set whose optical patches lie as its files say, or where its `alignment.json` says that they belong. */
import { type Dataset, openDataset } from '@doppel/core/dataset';
import { alignedDataset, readAlignment, shiftsOf } from '@doppel/core/localisation';
import type { Context } from '../../context.ts';

export async function alignedData(
  { store }: Context,
  { data, alignment }: { data: string; alignment: 'raw' | 'repaired' },
): Promise<Dataset> {
  const dataset = await openDataset(store, data);
  return alignment === 'raw' ? dataset : alignedDataset(dataset, shiftsOf(await readAlignment(store, dataset)));
}
