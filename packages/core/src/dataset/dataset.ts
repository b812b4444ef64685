/**
 * A data set is a folder: `pairs.jsonl` lists the pairs, `splits.json` the places of training, validation and test, and
 * the patches are image files beside them. docs/data.md describes the format.
 */

import { sha256 } from '../base/sha256.ts';
import { FormatError, PatchError, SplitError } from '../errors.ts';
import { decodeRaster } from '../raster/open.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import { joinPath, type Store } from '../store.ts';
import { imagesDigest, joinFingerprint, listPart, readContents } from './fingerprint.ts';
import { type DatasetHeader, formatPairs, PAIRS_FILE, type PairRecord, parsePairs } from './pairs_file.ts';
import type { PatchPair, Split } from './patch_pair.ts';
import { joinCopies } from './shared_images.ts';
import { assignSplits, formatSplits, parseSplits, SPLITS_FILE, type SplitName, type Splits } from './splits_file.ts';

export type { DatasetHeader, PairRecord } from './pairs_file.ts';
export type { SplitName, Splits } from './splits_file.ts';

export interface Dataset {
  readonly folder: string;
  readonly header: DatasetHeader;
  /** Copies of an image have one path. */
  readonly records: readonly PairRecord[];
  /** Fingerprint of `pairs.jsonl` and of every image; `isSameData` compares it with a stored one. */
  readonly fingerprint: string;
  /** Undefined where the data set has not been split. */
  readonly splits: Splits | undefined;
  /** Undefined where the data set has not been split. */
  splitOf(index: number): SplitName | undefined;
  /** Records of a split. @throws SplitError where there is no split file, or the split is empty. */
  indicesOf(split: Split): number[];
  /**
   * @throws FileError where the file is missing. @throws FormatError, PatchError where it is not what the header says.
   */
  readSar(index: number): Promise<Raster>;
  readOptical(index: number): Promise<Raster>;
  read(index: number): Promise<PatchPair>;
}

/** List of pairs of a data set, without access to pixels. */
export type PairList = Pick<Dataset, 'folder' | 'fingerprint' | 'records' | 'indicesOf'>;

export interface OpenOptions {
  /** Ignore `splits.json`, which the caller is about to replace. */
  ignoreSplits?: boolean;
}

/**
 * @throws FileError where the folder has no `pairs.jsonl`. @throws FormatError that names the line which is broken.
 * @throws SplitError where the split leaks, or belongs to other pairs.
 */
export async function openDataset(store: Store, folder: string, options: OpenOptions = {}): Promise<Dataset> {
  const file = joinPath(folder, PAIRS_FILE);
  const bytes = await store.read(file);
  const { header, records: listed } = parsePairs(decodeUtf8(bytes, file), file);
  const listFingerprint = await sha256(bytes);
  const contents = await readContents(store, folder, listed);
  const fingerprint = await joinFingerprint(listFingerprint, await imagesDigest(listed, contents));
  const records = await joinCopies(store, folder, listed, contents);
  const found = options.ignoreSplits ? undefined : await readSplits(store, folder, records, listFingerprint);

  const readPatch = async (path: string, { unit, bands }: { unit: Unit; bands: number }) => {
    const name = joinPath(folder, path);
    const raster = await decodeRaster(await store.read(name), name, { unit });
    return requireShape(raster, { side: header.side, bands }, name);
  };
  const recordAt = (index: number) => {
    const record = records[index];
    if (!record) throw new RangeError(`record ${index} of ${records.length}`);
    return record;
  };
  const readSar = async (index: number) => readPatch(recordAt(index).sar, header.sar);
  const readOptical = async (index: number) => readPatch(recordAt(index).optical, header.optical);

  return {
    ...{ folder, header, records, fingerprint, splits: found?.splits, readSar, readOptical },
    splitOf: (index) => found?.assigned[index],
    indicesOf(split) {
      if (!found) throw noSplits(folder, split);
      const indices = found.assigned.flatMap((each, i) => (each === split ? [i] : []));
      if (indices.length === 0) throw emptySplit(folder, split);
      return indices;
    },
    async read(index) {
      const { id, group, label, provenance, footprint } = recordAt(index);
      const [sar, optical] = await Promise.all([readSar(index), readOptical(index)]);
      return { id, sar, optical, group, label, provenance, ...(footprint && { footprint }) };
    },
  };
}

/** Writes the list of a data set. Its patches should be there already: a folder with a list is a data set. */
export function writePairs(
  store: Store,
  folder: string,
  header: DatasetHeader,
  records: readonly PairRecord[],
): Promise<void> {
  return store.write(joinPath(folder, PAIRS_FILE), formatPairs(header, records));
}

/** @throws SplitError where the splits leak; nothing is written then. */
export async function writeSplits(
  store: Store,
  dataset: Dataset,
  splits: Omit<Splits, 'doppel' | 'fingerprint'> & Partial<Pick<Splits, 'doppel'>>,
): Promise<void> {
  const file = joinPath(dataset.folder, SPLITS_FILE);
  assignSplits(dataset.records, splits.splits, file);
  await store.write(file, formatSplits({ doppel: 'splits', ...splits, fingerprint: listPart(dataset.fingerprint) }));
}

async function readSplits(
  store: Store,
  folder: string,
  records: readonly PairRecord[],
  fingerprint: string,
): Promise<{ splits: Splits; assigned: SplitName[] } | undefined> {
  const file = joinPath(folder, SPLITS_FILE);
  if (!(await store.stat(file))) return undefined;
  const splits = parseSplits(decodeUtf8(await store.read(file), file), file);
  if (splits.fingerprint !== fingerprint) {
    throw new SplitError({
      action: `use the splits of ${file}`,
      expected: `the fingerprint of ${PAIRS_FILE}, ${fingerprint.slice(0, 12)}`,
      found: `${splits.fingerprint.slice(0, 12)}: it was made for other pairs`,
      remedy: 'Split the data set again by `doppel data split`.',
    });
  }
  return { splits, assigned: assignSplits(records, splits.splits, file) };
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError({ action: 'read', file, expected: 'text in UTF-8', found: 'other bytes', cause });
  }
}

function requireShape(raster: Raster, { side, bands }: { side: number; bands: number }, file: string): Raster {
  if (raster.width === side && raster.height === side && raster.bands === bands) return raster;
  const shape = (width: number, height: number, count: number) => `${width} × ${height} pixels of ${count} band(s)`;
  throw new PatchError({
    ...{ action: 'use the patch', file },
    expected: `${shape(side, side, bands)}, as ${PAIRS_FILE} says`,
    found: shape(raster.width, raster.height, raster.bands),
    remedy: 'Import the data again.',
  });
}

function noSplits(folder: string, split: Split): SplitError {
  return new SplitError({
    action: `take the split "${split}" of ${folder}`,
    expected: `a file ${SPLITS_FILE}`,
    found: 'none',
    remedy: `Split it by \`doppel data split ${folder}\`.`,
  });
}

function emptySplit(folder: string, split: Split): SplitError {
  return new SplitError({
    action: `take the split "${split}" of ${folder}`,
    expected: 'at least one pair',
    found: 'none',
    remedy: `Give it places: \`doppel data split ${folder}\`.`,
  });
}
