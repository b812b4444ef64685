/**
 * Fingerprint of a data set. It covers the list (`pairs.jsonl`, which holds bands, units, windows and what was done to
 * the samples) and the bytes of every image or scene in it.
 *
 *     v2:<of the list and all images>:<of the list alone>
 *
 * Older versions wrote the second part alone; their files are compared with it alone.
 */
import { sha256 } from '../base/sha256.ts';
import { FileError } from '../errors.ts';
import { joinPath, type Store } from '../store.ts';
import type { PairRecord } from './pairs_file.ts';
import type { SceneEntry } from './scene_list.ts';

/** SHA-256 of an image's bytes, by its path in the folder; an image that is not there has none. */
export type Contents = ReadonlyMap<string, string>;

const READ_AT_ONCE = 64;

/** Hashes every image once. */
export async function readContents(
  store: Store,
  folder: string,
  records: readonly Pick<PairRecord, 'sar' | 'optical'>[],
): Promise<Contents> {
  const contents = new Map<string, string>();
  const paths = new Set(records.flatMap(({ sar, optical }) => [sar, optical])).values();
  const worker = async () => {
    for (const path of paths) {
      const bytes = await bytesOf(store, joinPath(folder, path));
      if (bytes) contents.set(path, await sha256(bytes));
    }
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, worker));
  return contents;
}

/** Bytes of an image; undefined if it cannot be read: the reader of the image reports the error. */
async function bytesOf(store: Store, path: string): Promise<Uint8Array | undefined> {
  try {
    return await store.read(path);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** SHA-256 over all images, in the order of the list. */
export function imagesDigest(
  records: readonly Pick<PairRecord, 'sar' | 'optical'>[],
  contents: Contents,
): Promise<string> {
  const lines = records.map(
    ({ sar, optical }) => `${contents.get(sar) ?? 'none'} ${contents.get(optical) ?? 'none'}\n`,
  );
  return sha256(new TextEncoder().encode(lines.join('')));
}

/** SHA-256 over the files of all scenes, in the order of the list. */
export function scenesDigest(scenes: readonly Pick<SceneEntry, 'sar' | 'optical'>[]): Promise<string> {
  const hashesOf = ({ sha256: own, companions }: SceneEntry['sar']) =>
    [own, ...Object.values(companions ?? {})].join('+');
  const lines = scenes.map(({ sar, optical }) => `${hashesOf(sar)} ${hashesOf(optical)}\n`);
  return sha256(new TextEncoder().encode(lines.join('')));
}

/** @param list SHA-256 of `pairs.jsonl`. @param images as by `imagesDigest`. */
export async function joinFingerprint(list: string, images: string): Promise<string> {
  return `v2:${await sha256(new TextEncoder().encode(`${list}\n${images}\n`))}:${list}`;
}

/** SHA-256 of `pairs.jsonl`: what splits are made for. */
export const listPart = (fingerprint: string) => fingerprint.split(':').at(-1)!;
const isWhole = (fingerprint: string) => fingerprint.startsWith('v2:');

/** Compares a stored fingerprint with that of a data set; one of an older version is held against the list alone. */
export function isSameData(stored: string, present: string): boolean {
  return isWhole(stored) && isWhole(present) ? stored === present : listPart(stored) === listPart(present);
}

/** Words for a message: how the data differ. */
export function dataDifference(stored: string, present: string): string {
  const short = (text: string) => text.replace(/^v2:/, '').slice(0, 12);
  if (listPart(stored) !== listPart(present))
    return `other pairs (fingerprint ${short(stored)}…, not ${short(present)}…)`;
  return `the same list of pairs, but images that have changed since (fingerprint ${short(stored)}…, not ${short(present)}…)`;
}
