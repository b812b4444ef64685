/**
 * Scores on disk, so that rules can be changed without scoring again, and an interrupted mining continues where it stopped.
 *
 * A cache is a folder: `manifest.json` lists what the scores depend on, `block-NNNNN.safetensors` holds the scores of one
 * block (F32 [anchors, pool], with the records they belong to). Blocks are written whole or not at all, and read one at a
 * time. A cache with another manifest is refused; only `refresh` removes it. Of processes that open a new one at once the
 * first writes the manifest, and the others are held against it.
 */
import { z } from 'zod';
import { readSafetensors, type TensorData, writeSafetensors } from '../../base/safetensors.ts';
import { SPLITS } from '../../dataset/patch_pair.ts';
import { FormatError, StaleCacheError } from '../../errors.ts';
import { joinPath, readText, type Store } from '../../store.ts';
import type { MiningBlock } from '../plan.ts';

/** Score of an anchor and a candidate: the matcher's logit₁ − logit₀, or the cosine of two SAR patches' features. */
export const SCORE_KINDS = ['match', 'likeness'] as const;
export type ScoreKind = (typeof SCORE_KINDS)[number];

/** Everything that a score, or its place in the cache, depends on. Rules are not part of it. */
const keySchema = z.object({
  kind: z.enum(SCORE_KINDS),
  /** SHA-256 of the checkpoint, and of the normalisation in it. */
  model: z.string(),
  normalisation: z.string(),
  /** SHA-256 of the data set's list of pairs, and of those in the split. */
  data: z.string(),
  split: z.enum(SPLITS),
  pairs: z.string(),
  candidates: z.int().positive(),
  /** Seed of the pools; null if a pool is the whole split, which depends on no seed. */
  seed: z.int().nullable(),
  pairsPerBlock: z.int().positive(),
});
export type ScoreKey = z.infer<typeof keySchema>;

const manifestSchema = z.object({ doppel: z.literal('mining-scores'), version: z.literal(1), key: keySchema });

const MEANINGS: Record<keyof ScoreKey, string> = {
  kind: 'kind of score',
  model: 'model',
  normalisation: 'normalisation',
  data: 'data set',
  split: 'split',
  pairs: 'pairs in the split',
  candidates: 'number of candidates',
  seed: 'seed of the pools',
  pairsPerBlock: 'size of the blocks',
};

export interface BlockScores {
  /** [anchors, pool], row by row. */
  scores: Float32Array<ArrayBuffer>;
  /** Score of each anchor's true pair, [anchors]. */
  positives: Float32Array<ArrayBuffer>;
}

export interface ScoreCache {
  readonly folder: string;
  /** Undefined if the block is not scored yet. @throws FormatError if its file is damaged. */
  read(block: MiningBlock): Promise<BlockScores | undefined>;
  write(block: MiningBlock, scores: BlockScores): Promise<void>;
}

const MANIFEST = 'manifest.json';
/** Name of a manifest that a store is writing, or was when its process ended. */
const UNFINISHED = /^manifest\.json\..*\.tmp$/;

/**
 * Opens the cache in a folder, or makes one.
 *
 * @param refresh remove a cache that exists, stale or not. @param others caches whose blocks are read as well.
 * @throws StaleCacheError if the folder holds scores of another model, data set or pool. @throws FormatError if it holds
 * something else.
 */
export async function openScoreCache(
  store: Store,
  folder: string,
  key: ScoreKey,
  { refresh = false, others = [] }: { refresh?: boolean; others?: readonly string[] | undefined } = {},
): Promise<ScoreCache> {
  for (const other of others) await requireCache(store, other, key);
  if (refresh && (await readManifest(store, folder))) await store.remove(folder);
  const present = (await readManifest(store, folder)) ?? (await makeCache(store, folder, key));
  refuseStale(present, key, folder);
  return blocksIn(store, folder, others);
}

/** @returns the key of the cache: of processes that make it at once, that of the first. */
async function makeCache(store: Store, folder: string, key: ScoreKey): Promise<ScoreKey> {
  const content = { doppel: 'mining-scores', version: 1, key } satisfies z.infer<typeof manifestSchema>;
  if (await store.writeNew(joinPath(folder, MANIFEST), `${JSON.stringify(content, null, 2)}\n`)) return key;
  return (await readManifest(store, folder)) ?? makeCache(store, folder, key); // a refresh may have removed it
}

/** @throws StaleCacheError or FormatError as `openScoreCache`, unless there is no cache. */
async function requireCache(store: Store, folder: string, key: ScoreKey): Promise<void> {
  const present = await readManifest(store, folder);
  if (present) refuseStale(present, key, folder);
}

/** Undefined if there is no cache yet: no folder, an empty one, or one in which a manifest is being written. */
async function readManifest(store: Store, folder: string): Promise<ScoreKey | undefined> {
  const info = await store.stat(folder);
  if (!info) return undefined;
  const file = joinPath(folder, MANIFEST);
  const expected = 'the manifest of a cache of scores';
  const remedy = 'Name another folder by --cache, or remove this one.';
  // The list comes first: another process adds blocks after its manifest, which is then found.
  const names = info.kind === 'folder' ? await store.list(folder) : undefined;
  if (!names || !(await store.stat(file))) {
    if (names?.every((name) => UNFINISHED.test(name))) return undefined;
    const found = names ? 'a folder without one' : 'a file';
    throw new FormatError({ action: 'use the cache', file: folder, expected, found, remedy });
  }
  try {
    return manifestSchema.parse(JSON.parse(await readText(store, file))).key;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
    throw new FormatError({ action: 'use the cache', file, expected, found: 'something else', remedy, cause });
  }
}

function refuseStale(present: ScoreKey, wanted: ScoreKey, folder: string): void {
  const fields = (Object.keys(MEANINGS) as (keyof ScoreKey)[]).filter((field) => present[field] !== wanted[field]);
  if (fields.length === 0) return;
  const list = (key: ScoreKey) => fields.map((field) => `${MEANINGS[field]} ${show(key[field])}`).join(', ');
  throw new StaleCacheError({
    action: 'use the cached scores in',
    file: folder,
    expected: list(wanted),
    found: list(present),
    remedy: 'Score again with --refresh-cache, which removes them, or keep them and name another folder by --cache.',
  });
}

const show = (value: string | number | null) =>
  value === null ? 'none' : typeof value === 'string' && value.length === 64 ? `${value.slice(0, 12)}…` : `${value}`;

function blocksIn(store: Store, folder: string, others: readonly string[]): ScoreCache {
  const nameOf = ({ index }: MiningBlock) => `block-${String(index).padStart(5, '0')}.safetensors`;
  return {
    folder,
    async read(block) {
      for (const each of [folder, ...others]) {
        const file = joinPath(each, nameOf(block));
        if (await store.stat(file)) return decode(await store.read(file), block, file);
      }
      return undefined;
    },
    write: (block, scores) => store.write(joinPath(folder, nameOf(block)), encode(block, scores)),
  };
}

function encode({ anchors, pool }: MiningBlock, { scores, positives }: BlockScores): Uint8Array {
  return writeSafetensors(
    new Map<string, TensorData>([
      ['scores', { dtype: 'F32', shape: [anchors.length, pool.length], data: scores }],
      ['positives', { dtype: 'F32', shape: [anchors.length], data: positives }],
      ['anchors', { dtype: 'I32', shape: [anchors.length], data: Int32Array.from(anchors) }],
      ['pool', { dtype: 'I32', shape: [pool.length], data: Int32Array.from(pool) }],
    ]),
  );
}

function decode(bytes: Uint8Array, block: MiningBlock, file: string): BlockScores {
  const { tensors } = readSafetensors(bytes, file);
  const take = (name: string, dtype: 'F32' | 'I32', length: number) => {
    const tensor = tensors.get(name);
    if (tensor?.dtype === dtype && tensor.data.length === length) return tensor.data;
    throw damaged(file, `${length} values "${name}" as ${dtype}`);
  };
  const { anchors, pool } = block;
  const isSame = (name: string, records: readonly number[]) =>
    (take(name, 'I32', records.length) as Int32Array).every((record, i) => record === records[i]);
  if (!isSame('anchors', anchors) || !isSame('pool', pool)) throw damaged(file, 'the records of this block');
  return {
    scores: take('scores', 'F32', anchors.length * pool.length) as Float32Array<ArrayBuffer>,
    positives: take('positives', 'F32', anchors.length) as Float32Array<ArrayBuffer>,
  };
}

function damaged(file: string, expected: string): FormatError {
  const remedy = 'Score again with --refresh-cache.';
  return new FormatError({ action: 'use the cached scores in', file, expected, found: 'something else', remedy });
}
