/** The synthetic data set as files, for commands that read real folders. */

import { encode } from 'fast-png';
import { openDataset, writeSplits } from '../../packages/core/src/dataset/dataset.ts';
import type { Raster } from '../../packages/core/src/raster/raster.ts';
import { joinPath, type Store } from '../../packages/core/src/store.ts';
import { writePairs } from '../core/dataset/write_pairs.ts';
import { syntheticDataset } from '../core/training/matcher/synthetic.ts';

/** An 8-bit gray PNG; values are rounded and limited to 0 … 255. */
export function png({ data, width, height }: Raster): Uint8Array {
  const pixels = Uint8Array.from(data, (value) => Math.min(Math.max(Math.round(value), 0), 255));
  return encode({ width, height, data: pixels, channels: 1, depth: 8 });
}

/** `pairs.jsonl`, `splits.json` (4 places train, 2 validate, 2 test) and a PNG a patch. */
export async function writeSyntheticDataset(store: Store, folder: string): Promise<void> {
  const dataset = syntheticDataset();
  for (const [index, { sar, optical }] of dataset.records.entries()) {
    await store.write(joinPath(folder, sar), png(await dataset.readSar(index)));
    await store.write(joinPath(folder, optical), png(await dataset.readOptical(index)));
  }
  await writePairs(store, folder, dataset.header, dataset.records);
  const places = [...new Set(dataset.records.map(({ group }) => group))];
  const [train, validation, test] = [places.slice(0, 4), places.slice(4, 6), places.slice(6)];
  const splits = { train, validation, test, unused: [] };
  await writeSplits(store, await openDataset(store, folder), { doppel: 'splits', version: 1, seed: 1, splits });
}
