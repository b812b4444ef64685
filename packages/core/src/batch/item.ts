/** Items of a batch: the unit that is done or not, with the fingerprint of all that its result depends on. */
import { hashFile } from '../base/hash_file.ts';
import { sha256 } from '../base/sha256.ts';
import { joinPath, type Store } from '../store.ts';

export interface BatchItem {
  /** Name for people; need not be unique. */
  id: string;
  /** Input files: absolute, or relative to the root of the plan. */
  files: readonly string[];
  /** Further facts for the kind of work. */
  details?: unknown;
}

export interface PlannedItem extends BatchItem {
  /** Position in the plan, from 0. */
  index: number;
  /** Hash of inputs, model and settings, as hex. */
  fingerprint: string;
}

/**
 * What tells that an input file has changed. `time`: size and time of modification; `size`: the size alone, for files that
 * are copied to where they are read; `content`: SHA-256, which reads every file when planning and again when running.
 */
export const INPUT_CHECKS = ['time', 'size', 'content'] as const;
export type InputCheck = (typeof INPUT_CHECKS)[number];

/** Hex digits of an item's fingerprint: 64 bits. */
export const DIGITS = 16;

/** @param common fingerprint of what all items share. @param root of relative paths. */
export async function fingerprintOf(
  store: Store,
  { id, files, details }: BatchItem,
  { common, root, inputs }: { common: string; root: string; inputs: InputCheck },
): Promise<string> {
  const stamps: unknown[] = [];
  for (const file of files) stamps.push(await stampOf(store, joinPath(root, file), inputs));
  const text = JSON.stringify([common, id, files, details ?? null, stamps]);
  return (await sha256(new TextEncoder().encode(text))).slice(0, DIGITS);
}

/** State of a file; null if it is not there, which is for its item to report. */
async function stampOf(store: Store, path: string, inputs: InputCheck): Promise<unknown> {
  const info = await store.stat(path);
  if (info?.kind !== 'file') return null;
  if (inputs === 'content') return hashFile(store, path, info.size);
  return inputs === 'size' ? info.size : [info.size, info.modified ?? null];
}
