/**
 * Images in several pairs: an image is one place, whatever the groups of its pairs. Copies count as one image, by their
 * bytes; constant ones do not, since many places give the same empty patch.
 */
import { isDoppelError } from '../errors.ts';
import { decodeRaster } from '../raster/open.ts';
import type { Raster } from '../raster/raster.ts';
import { joinPath, type Store } from '../store.ts';
import type { Contents } from './fingerprint.ts';
import type { PairRecord } from './pairs_file.ts';

/** Records with one path for all copies of an image. */
export async function joinCopies(
  store: Store,
  folder: string,
  records: readonly PairRecord[],
  contents: Contents,
): Promise<PairRecord[]> {
  const first = new Map<string, string>();
  const flat = new Map<string, boolean>();
  const pathOf = async (path: string): Promise<string> => {
    const hash = contents.get(path);
    const known = hash === undefined ? path : (first.get(hash) ?? path);
    if (hash === undefined || known === path) {
      if (hash !== undefined) first.set(hash, path);
      return path;
    }
    if (!flat.has(hash)) flat.set(hash, await looksFlat(store, joinPath(folder, path)));
    return flat.get(hash) ? path : known;
  };
  const joined: PairRecord[] = [];
  for (const record of records) {
    const [sar, optical] = [await pathOf(record.sar), await pathOf(record.optical)];
    joined.push(sar === record.sar && optical === record.optical ? record : { ...record, sar, optical });
  }
  return joined;
}

/** True if all samples of each band are equal or missing. */
export function isFlat({ data, bands, noData }: Raster): boolean {
  const first = noData ? noData.indexOf(0) : 0;
  if (first < 0) return true;
  return data.every((value, i) => noData?.[Math.floor(i / bands)] || value === data[first * bands + (i % bands)]);
}

/** True also if the image cannot be read. */
async function looksFlat(store: Store, path: string): Promise<boolean> {
  try {
    return isFlat(await decodeRaster(await store.read(path), path));
  } catch (error) {
    if (isDoppelError(error)) return true;
    throw error;
  }
}

/** Records by the image they show, once for each sensor; images of a single record are left out. */
export function recordsByImage(records: readonly Partial<Pick<PairRecord, 'sar' | 'optical'>>[]): number[][] {
  const found = new Map<string, number[]>();
  records.forEach((record, i) => {
    for (const sensor of ['sar', 'optical'] as const) {
      const path = record[sensor];
      if (path === undefined) continue;
      const before = found.get(`${sensor} ${path}`);
      if (before) before.push(i);
      else found.set(`${sensor} ${path}`, [i]);
    }
  });
  return [...found.values()].filter(({ length }) => length > 1);
}
