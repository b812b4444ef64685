/**
 * Results of items, a file each:
 *
 *     results/00012/00012345-FINGERPRINT.done.jsonl
 *
 * The name alone tells which item it belongs to, whether its inputs, model and settings are those of the plan, and how it
 * ended: `done`; `failed` for good; `retry`, failed so that another try may help. So one listing of a folder tells the
 * state of a thousand items. The first line describes the result, each further one is a row of the merged result. Files
 * appear by a rename, so that several runners on one item do no harm.
 */
import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import { FormatError } from '../errors.ts';
import { joinPath, readText, type Store } from '../store.ts';
import type { Plan } from './plan.ts';

export const ITEM_STATES = ['done', 'failed', 'retry'] as const;
export type ResultState = (typeof ITEM_STATES)[number];

/** Items whose results share a folder. */
export const BUCKET = 1000;

export const resultHead = z.object({
  item: z.int(),
  id: z.string(),
  status: z.enum(ITEM_STATES),
  /** Message of what failed. */
  reason: z.string().optional(),
  /** Tries until then. */
  attempts: z.int(),
  /** Duration of the last try. */
  seconds: z.number(),
});
export type ResultHead = z.output<typeof resultHead>;

export interface ItemState {
  index: number;
  fingerprint: string;
  /** `missing`: not done yet. */
  state: ResultState | 'missing';
  /** Path of the result, if there is one. */
  file?: string | undefined;
}

const folderOfBucket = (root: string, bucket: number) => joinPath(root, 'results', String(bucket).padStart(5, '0'));

/** @param root folder of results. */
export function resultFile(
  root: string,
  { index, fingerprint }: Pick<ItemState, 'index' | 'fingerprint'>,
  state: ResultState,
): string {
  const name = `${String(index).padStart(8, '0')}-${fingerprint}.${state}.jsonl`;
  return joinPath(folderOfBucket(root, Math.floor(index / BUCKET)), name);
}

export const resultText = (head: ResultHead, rows: readonly object[]): string =>
  [head, ...rows].map((row) => `${JSON.stringify(row)}\n`).join('');

/**
 * States of items in the order of the plan, a folder of results at a time.
 *
 * @param roots folders of results; a result in any of them counts, `done` before `failed` before `retry`.
 */
export async function* statesOf(
  store: Store,
  plan: Plan,
  roots: readonly string[],
  from = 0,
  to = plan.header.items,
): AsyncGenerator<ItemState> {
  for (let start = from; start < to; ) {
    const bucket = Math.floor(start / BUCKET);
    const end = Math.min(to, (bucket + 1) * BUCKET);
    const names = new Map<string, string>();
    for (const root of roots) await listInto(names, store, folderOfBucket(root, bucket));
    const fingerprints = await plan.fingerprints(start, end);
    for (const [i, fingerprint] of fingerprints.entries()) {
      const key = { index: start + i, fingerprint };
      const state = ITEM_STATES.find((each) => names.has(nameOf(key, each)));
      yield { ...key, state: state ?? 'missing', file: state && names.get(nameOf(key, state)) };
    }
    start = end;
  }
}

const nameOf = (key: Pick<ItemState, 'index' | 'fingerprint'>, state: ResultState) =>
  resultFile('', key, state).split('/').at(-1)!;

async function listInto(names: Map<string, string>, store: Store, folder: string): Promise<void> {
  if (!(await store.stat(folder))) return;
  for (const name of await store.list(folder)) names.set(name, joinPath(folder, name));
}

/** @throws FormatError if the file is no result. */
export async function readResult(store: Store, file: string): Promise<{ head: ResultHead; rows: string[] }> {
  const [first = '', ...rows] = (await readText(store, file)).split('\n');
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read the result', file, line: 1, expected: 'a result of `doppel batch run`', found, cause },
      remedy: 'Remove it, and run its shard again.',
    });
  return { head: parseJson(resultHead, first, fail), rows: rows.filter((row) => row !== '') };
}
