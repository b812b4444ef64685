/** The blocks of a plan with their scores: from the cache where it has them, else computed and put there. */

import { pause } from '../../base/pause.ts';
import { sha256 } from '../../base/sha256.ts';
import { NonFiniteError } from '../../errors.ts';
import type { MiningBlock, MiningPlan } from '../plan.ts';
import type { MiningTask } from '../ranked.ts';
import type { ScoreKind } from '../strategy.ts';
import { type BlockTask, blockScorer, scoreReferences } from './block_scores.ts';
import type { Meter } from './meter.ts';
import { type BlockScores, openScoreCache, type ScoreCache, type ScoreKey } from './score_cache.ts';

export interface ScoredBlock {
  block: MiningBlock;
  /** Undefined where candidates are chosen without scores. */
  scores: BlockScores | undefined;
}

/** Pairs below which an estimate is not worth its own passes. */
const WORTH_ESTIMATING = 2000;

/** Blocks in order. Errors as `mine`. */
export async function* scoredBlocks(
  kind: ScoreKind,
  plan: MiningPlan,
  task: MiningTask,
  meter: Meter,
): AsyncGenerator<ScoredBlock> {
  const score = blockScorer(kind, blockTask(task, meter));
  const cache = task.cache === undefined ? undefined : await openCache(kind, plan, task, task.cache);
  let isEstimated = false;
  for (const block of plan.blocks) {
    await pause(task.signal);
    let scores = await cache?.read(block);
    if (scores) meter.addCached(scores.scores.length + (kind === 'match' ? scores.positives.length : 0));
    else {
      if (!isEstimated) await estimateWholePairs(plan, block, task, meter);
      isEstimated = true;
      scores = await score(block);
      refuseNonFinite(scores.scores);
      refuseNonFinite(scores.positives);
      await cache?.write(block, scores);
    }
    yield { block, scores };
  }
}

/** Blocks whose candidates are chosen without scores. */
export async function* unscoredBlocks(plan: MiningPlan, { signal }: MiningTask): AsyncGenerator<ScoredBlock> {
  for (const block of plan.blocks) {
    await pause(signal);
    yield { block, scores: undefined };
  }
}

export function blockTask({ model, patches, signal }: MiningTask, meter: Meter): BlockTask {
  const { scorer, shape } = model;
  return { scorer, shape, patches, signal, onPairs: (pairs) => meter.addScored(pairs) };
}

/** @throws NonFiniteError where the model gives no usable scores. */
export function refuseNonFinite(scores: Float32Array | Float64Array): void {
  const found = (scores as Float64Array).find((score) => !Number.isFinite(score));
  if (found === undefined) return;
  throw new NonFiniteError({
    action: 'mine by the scores of this model',
    expected: 'finite scores',
    found: `${found}`,
    remedy: 'Train it again, or take an earlier checkpoint.',
  });
}

async function openCache(kind: ScoreKind, plan: MiningPlan, task: MiningTask, folder: string): Promise<ScoreCache> {
  const { dataset, model, split, seed, store, refreshCache = false } = task;
  const ids = plan.blocks.flatMap(({ anchors }) => anchors.map((anchor) => dataset.records[anchor]!.id));
  const key: ScoreKey = {
    kind,
    model: model.fingerprint,
    normalisation: await fingerprintOf(model.normalisation),
    data: dataset.fingerprint,
    split,
    pairs: await fingerprintOf(ids),
    candidates: plan.candidates,
    seed: plan.candidates < plan.available ? seed : null,
    pairsPerBlock: plan.pairsPerBlock,
  };
  return openScoreCache(store, folder, key, { refresh: refreshCache });
}

/** Equal for equal JSON. */
const fingerprintOf = (value: unknown) => sha256(new TextEncoder().encode(JSON.stringify(value)));

/** Whole passes cost so much that one should know beforehand. */
async function estimateWholePairs(plan: MiningPlan, block: MiningBlock, task: MiningTask, meter: Meter): Promise<void> {
  const pairs = plan.pairs - meter.cost().pairsCached;
  if (task.model.scorer.halves || !task.onEstimate || pairs < WORTH_ESTIMATING) return;
  const sample = block.pool.slice(0, 32).map((sar) => ({ sar, optical: block.anchors[0]! }));
  const silent = { ...blockTask(task, meter), onPairs: undefined };
  await scoreReferences(sample, silent); // the first pass makes buffers and compiles
  const start = performance.now();
  await scoreReferences(sample, silent);
  const seconds = ((performance.now() - start) / 1000) * (pairs / sample.length);
  task.onEstimate({ pairs, seconds });
}
