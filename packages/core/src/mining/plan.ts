/**
 * Plans the pairs that mining scores: the anchors of a split in blocks, and for each block a pool of candidates. Pools
 * bound the cost: a split of n pairs has n² candidates, a pool holds at most `maxCandidates` for each anchor. Each
 * block draws its own pool, so that over the blocks every SAR patch is a candidate.
 */

import { Rng } from '../base/random.ts';
import type { PairList, PairRecord } from '../dataset/dataset.ts';
import type { Split } from '../dataset/patch_pair.ts';
import { SplitError } from '../errors.ts';

export interface MiningBlock {
  index: number;
  /** Records whose optical patch gets negatives, in random order. */
  anchors: readonly number[];
  /** Records whose SAR patch may be a negative of these anchors, ascending; guarded ones included. */
  pool: readonly number[];
}

export interface MiningPlan {
  blocks: readonly MiningBlock[];
  anchors: number;
  /** Candidates in each pool. */
  candidates: number;
  /** Real SAR patches in the split. */
  available: number;
  /** anchors · candidates */
  pairs: number;
  /** Pairs in a block, as in the options; with the numbers above it determines the layout of the blocks. */
  pairsPerBlock: number;
}

export interface PlanOptions {
  split: Split;
  seed: number;
  /** Candidates in each pool; all of the split if it has fewer. */
  maxCandidates: number;
  /** Approximate pairs in a block, which is computed, kept in memory and saved at a time. */
  pairsPerBlock: number;
}

/** Maximum number of anchors of a block, whose features are in memory together. */
const MAX_ANCHORS = 512;

/**
 * Anchors and candidates are the real positive pairs of the split: only for these the ground of both patches is known,
 * which the guard depends on. The order of anchors is random and independent of the seed: with a limit on uses no place
 * has precedence, and another seed finds the same blocks in the cache.
 *
 * @throws SplitError if the split has fewer than two such pairs.
 */
export function planMining(
  records: readonly PairRecord[],
  indices: readonly number[],
  { split, seed, maxCandidates, pairsPerBlock }: PlanOptions,
): MiningPlan {
  const pairs = truePairsAmong(records, indices);
  if (pairs.length < 2) {
    throw new SplitError({
      action: `mine negatives in the split "${split}"`,
      expected: 'at least two real positive pairs',
      found: `${pairs.length} among ${indices.length} pairs`,
      remedy: 'Choose another split, or split the data set again by `doppel data split`.',
    });
  }
  pairs.sort((a, b) => a - b);
  const anchorOrder = Rng.derive(0, 'mining anchors').shuffle([...pairs]);
  const candidates = Math.min(maxCandidates, pairs.length);
  const perBlock = Math.min(Math.max(1, Math.floor(pairsPerBlock / candidates)), MAX_ANCHORS);
  const blocks: MiningBlock[] = [];
  for (let start = 0; start < pairs.length; start += perBlock) {
    const index = blocks.length;
    const pool = drawPool(pairs, candidates, Rng.derive(seed, 'mining pool', index));
    blocks.push({ index, anchors: anchorOrder.slice(start, start + perBlock), pool });
  }
  const [anchors, available] = [pairs.length, pairs.length];
  return { blocks, anchors, candidates, available, pairs: anchors * candidates, pairsPerBlock };
}

function drawPool(records: readonly number[], count: number, rng: Rng): readonly number[] {
  if (count === records.length) return records;
  const pool = [...records];
  for (let i = 0; i < count; i++) {
    const j = i + rng.int(pool.length - i);
    [pool[i], pool[j]] = [pool[j]!, pool[i]!];
  }
  return pool.slice(0, count).sort((a, b) => a - b);
}

const truePairsAmong = (records: readonly PairRecord[], indices: readonly number[]) =>
  indices.filter((index) => records[index]!.label === 1 && records[index]!.provenance === 'real');

/** Real positive pairs of a split, for which patches are made. @throws SplitError if there are none. */
export function anchorsOf({ records, indicesOf }: Pick<PairList, 'records' | 'indicesOf'>, split: Split): number[] {
  const indices = indicesOf(split);
  const anchors = truePairsAmong(records, indices);
  if (anchors.length > 0) return anchors;
  throw new SplitError({
    action: `make negatives for the split "${split}"`,
    expected: 'at least one real positive pair',
    found: `none among ${indices.length} pairs`,
    remedy: 'Split the data set again by `doppel data split`.',
  });
}

/** The data set with its training split cut down to some records: anchors and candidates are these only. */
export function trainingOn<D extends PairList>(dataset: D, records: readonly number[]): D {
  const kept = new Set(records);
  const train = () => dataset.indicesOf('train').filter((index) => kept.has(index));
  return { ...dataset, indicesOf: (split) => (split === 'train' ? train() : dataset.indicesOf(split)) };
}
