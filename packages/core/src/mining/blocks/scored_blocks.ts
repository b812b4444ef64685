/** The blocks of a plan with their scores: from the cache if it has them, else computed and written to it. */

import { pause } from '../../base/pause.ts';
import { sha256 } from '../../base/sha256.ts';
import { refuseNonFinite, scoreReferences } from '../pair_scores.ts';
import type { MiningBlock, MiningPlan } from '../plan.ts';
import type { Bench, Scoring, Watch } from '../strategy.ts';
import { type BlockScorer, blockScorer } from './block_scores.ts';
import type { Meter } from './meter.ts';
import { type BlockScores, openScoreCache, type ScoreCache, type ScoreKey, type ScoreKind } from './score_cache.ts';

export interface ScoredBlock {
  block: MiningBlock;
  /** Undefined if candidates are chosen without scores. */
  scores: BlockScores | undefined;
}

/** Blocks in order. Errors as `Strategy.find`; finished blocks stay in the cache when the signal is aborted. */
export async function* scoredBlocks(
  kind: ScoreKind,
  plan: MiningPlan,
  bench: Bench,
  watch: Watch,
  meter: Meter,
): AsyncGenerator<ScoredBlock> {
  const { signal } = watch;
  const score = blockScorer(kind, bench, { signal, onPairs: (pairs) => meter.addScored(pairs) });
  const cache = await openCache(kind, plan, bench);
  let isEstimated = false;
  for (const block of plan.blocks) {
    await pause(signal);
    let scores = await cache?.read(block);
    if (scores) meter.addCached(scores.scores.length + (kind === 'match' ? scores.positives.length : 0));
    else {
      if (!isEstimated) await estimateWholePairs(plan.pairs - meter.cost().pairsCached, block, bench, watch);
      isEstimated = true;
      scores = await scoreInto(cache, block, score);
    }
    yield { block, scores };
  }
}

/** The blocks of a plan as parts that are scored one by one, in any order, and kept in the bench's cache. */
export const scoringInParts = (kind: ScoreKind, plan: MiningPlan, bench: Bench): Scoring => ({
  parts: plan.blocks.length,
  begin({ signal }) {
    let scored = 0;
    const score = blockScorer(kind, bench, { signal, onPairs: (pairs) => (scored += pairs) });
    const opening = openCache(kind, plan, bench);
    return async (part) => {
      const [cache, block, before] = [await opening, plan.blocks[part]!, scored];
      if (!(await cache?.read(block))) await scoreInto(cache, block, score);
      return scored - before;
    };
  },
});

async function scoreInto(cache: ScoreCache | undefined, block: MiningBlock, score: BlockScorer): Promise<BlockScores> {
  const scores = await score(block);
  refuseNonFinite(scores.scores);
  refuseNonFinite(scores.positives);
  await cache?.write(block, scores);
  return scores;
}

/** Blocks whose candidates are chosen without scores. */
export async function* unscoredBlocks(plan: MiningPlan, { signal }: Watch): AsyncGenerator<ScoredBlock> {
  for (const block of plan.blocks) {
    await pause(signal);
    yield { block, scores: undefined };
  }
}

async function openCache(kind: ScoreKind, plan: MiningPlan, bench: Bench): Promise<ScoreCache | undefined> {
  const { dataset, model, split, seed, store, scores } = bench;
  if (!scores) return undefined;
  const ids = plan.blocks.flatMap(({ anchors }) => anchors.map((anchor) => dataset.records[anchor]!.id));
  const key: ScoreKey = {
    kind,
    model: model.info.fingerprint,
    normalisation: await fingerprintOf(model.normalisation),
    data: dataset.fingerprint,
    split,
    pairs: await fingerprintOf(ids),
    candidates: plan.candidates,
    seed: plan.candidates < plan.available ? seed : null,
    pairsPerBlock: plan.pairsPerBlock,
  };
  return openScoreCache(store, scores.folder, key, scores);
}

/** Equal for equal JSON. */
const fingerprintOf = (value: unknown) => sha256(new TextEncoder().encode(JSON.stringify(value)));

/** Number of pairs below which an estimate is not worth its cost. */
const WORTH_ESTIMATING = 2000;

/** Logs the expected time of scoring with a matcher that has no separate streams: every pair is a whole pass. */
async function estimateWholePairs(pairs: number, block: MiningBlock, bench: Bench, { signal, onLog }: Watch) {
  if (bench.model.scorer.halves || !onLog || pairs < WORTH_ESTIMATING) return;
  const sample = block.pool.slice(0, 32).map((sar) => ({ sar, optical: block.anchors[0]! }));
  await scoreReferences(sample, bench, { signal }); // the first pass makes buffers and compiles
  const start = performance.now();
  await scoreReferences(sample, bench, { signal });
  const minutes = ((performance.now() - start) / 60_000) * (pairs / sample.length);
  onLog(
    `this model takes both patches at once, so each of ${pairs} pairs goes through all of it: ` +
      `about ${minutes < 1 ? 'a minute' : `${Math.ceil(minutes)} minutes`}; --max-candidates lowers that`,
  );
}
