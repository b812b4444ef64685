/**
 * A data set is a folder: `pairs.jsonl` lists the pairs, `splits.json` the places of training, validation and test, and
 * the patches are image files beside them, or windows of scenes (version 2). docs/data.md describes the format.
 */

import { sha256 } from '../base/sha256.ts';
import { FormatError, SplitError } from '../errors.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { joinPath, type Store } from '../store.ts';
import { joinFingerprint, listPart } from './fingerprint.ts';
import { openImages, recordAt } from './open_images.ts';
import { type DatasetHeader, PAIRS_FILE, type PairRecord, parsePairs } from './pairs_file.ts';
import type { PatchPair, Split } from './patch_pair.ts';
import { type Scene, type Sensor, scenesOfSplit } from './scenes.ts';
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
  /** Scenes that pairs are windows of; none in a data set of image files (version 1). */
  readonly scenes: readonly Scene[];
  /**
   * Scenes that random crops of a split may come from: every pair of the scene is in the split, and its ground overlaps
   * no pair of another one.
   *
   * @param options.margin gap around a scene that must be free of other splits, in patch sides; default 0.
   * @throws SplitError where there is no split file.
   */
  scenesOf(split: Split, options?: { margin?: number }): Scene[];
  /**
   * Reads any window of a scene's common grid; what a file does not cover is missing. Decoded blocks are cached.
   *
   * @param scene id. @throws PatchError where the window leaves the grid. @throws FileError, FormatError
   */
  readWindow(scene: string, sensor: Sensor, window: RasterWindow): Promise<Raster>;
}

/** List of pairs of a data set; access to pixels only where something is made of them. */
export type PairList = Pick<Dataset, 'folder' | 'fingerprint' | 'records' | 'indicesOf'> &
  Partial<Pick<Dataset, 'readSar'>>;

export interface OpenOptions {
  /** Ignore `splits.json`, which the caller is about to replace. */
  ignoreSplits?: boolean;
  /** Memory for decoded blocks of scenes in bytes; default 512 MiB. */
  cacheBytes?: number;
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
  const images = await openImages(store, folder, { header, records: listed }, options.cacheBytes);
  const { records, readSar, readOptical } = images;
  const fingerprint = await joinFingerprint(listFingerprint, images.digest);
  const found = options.ignoreSplits ? undefined : await readSplits(store, folder, records, listFingerprint);
  const splitOf = (index: number) => found?.assigned[index];

  return {
    ...{ folder, header, records, fingerprint, splits: found?.splits, readSar, readOptical, splitOf },
    ...{ scenes: images.scenes, readWindow: images.readWindow },
    indicesOf(split) {
      if (!found) throw noSplits(folder, split);
      const indices = found.assigned.flatMap((each, i) => (each === split ? [i] : []));
      if (indices.length === 0) throw emptySplit(folder, split);
      return indices;
    },
    scenesOf(split, { margin = 0 } = {}) {
      if (!found) throw noSplits(folder, split);
      return scenesOfSplit(images.scenes, records, splitOf, split, { side: header.side, margin });
    },
    async read(index) {
      const { id, group, label, provenance, footprint } = recordAt(records, index);
      const [sar, optical] = await Promise.all([readSar(index), readOptical(index)]);
      return { id, sar, optical, group, label, provenance, ...(footprint && { footprint }) };
    },
  };
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
