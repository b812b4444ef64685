/**
 * What mining scores, before it scores anything: the anchors of a split in blocks, and for each block a pool of
 * candidates. Pools are what bounds the cost: a split of n pairs has n² candidates, a pool holds at most
 * `maxCandidates` for each anchor. Each block draws its own pool, so that over the blocks every SAR patch gets its turn.
 */

import { Rng } from '../base/random.ts';
import type { Provenance, Split } from '../dataset/patch_pair.ts';
import { SplitError } from '../errors.ts';

/** What must be known of a record to mine; `PairRecord` has it. */
export interface MinableRecord {
  id: string;
  /** Path of the SAR patch: records that share it are the same candidate. */
  sar: string;
  label: 0 | 1;
  provenance: Provenance;
}

export interface MiningBlock {
  index: number;
  /** Records whose optical patch is looked for, in no order. */
  anchors: readonly number[];
  /** Records whose SAR patch may be a negative of these anchors, ascending; guarded ones are still among them. */
  pool: readonly number[];
}

export interface MiningPlan {
  blocks: readonly MiningBlock[];
  anchors: number;
  /** In each pool. */
  candidates: number;
  /** Real SAR patches of the split. */
  available: number;
  /** anchors · candidates */
  pairs: number;
  /** As asked for; with the numbers above it gives the layout of the blocks. */
  pairsPerBlock: number;
}

export interface PlanOptions {
  split: Split;
  seed: number;
  /** In each pool; all of the split where there are no more. */
  maxCandidates: number;
  /** Pairs in a block, about: what is computed at a time, kept in memory and saved. */
  pairsPerBlock: number;
}

/** In a block: their features are in memory together. */
const MAX_ANCHORS = 512;

/**
 * Anchors and candidates are the real positive pairs of the split: only of those it is known which ground each of the
 * two patches shows, and the guard depends on that. Anchors come in an order that is random and always the same: where a
 * candidate may be used only so often, no place comes first, and another seed finds the same blocks in the cache.
 *
 * @throws SplitError where the split has fewer than two such pairs.
 */
export function planMining(
  records: readonly MinableRecord[],
  indices: readonly number[],
  { split, seed, maxCandidates, pairsPerBlock }: PlanOptions,
): MiningPlan {
  const pairs = indices.filter((index) => records[index]!.label === 1 && records[index]!.provenance === 'real');
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
