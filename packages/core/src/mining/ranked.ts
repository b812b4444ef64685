/**
 * Mining: the real SAR patches that a matcher finds hardest to tell from an anchor's own, and that surely show other
 * ground. `docs/mining.md` says what each rule means; this file runs it: plan the pairs, score them (or read their
 * scores), choose, and count what was seen. It chooses only: losses and gradients are training's business.
 */

import { Rng } from '../base/random.ts';
import type { Split } from '../dataset/patch_pair.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';
import { SplitError } from '../errors.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import type { PatchShape, PatchSource } from '../prepare/patch_source.ts';
import type { Store } from '../store.ts';
import { type MiningScorer, scoreReferences } from './blocks/block_scores.ts';
import { Meter, type MiningCost } from './blocks/meter.ts';
import type { BlockScores } from './blocks/score_cache.ts';
import { blockTask, refuseNonFinite, type ScoredBlock, scoredBlocks, unscoredBlocks } from './blocks/scored_blocks.ts';
import { exclusions } from './exclusion.ts';
import type { MinedDataset, MinedNegative, NegativesHeader } from './negatives_file.ts';
import { type MinableRecord, type MiningBlock, type MiningPlan, planMining } from './plan.ts';
import { rankAtRandom, rankByScore } from './rank.ts';
import { type Choice, type RankedRow, type Rule, type SelectionRules, select } from './select.ts';
import { checkRules, type ScoreKind, type Strategy, scaleOf, scoresNeededBy } from './strategy.ts';
import { type ScoreQuantiles, type Shortage, type ShortageReason, Tally } from './tally.ts';

export interface MiningModel {
  scorer: MiningScorer;
  shape: PatchShape;
  /** SHA-256 of the checkpoint as hex. */
  fingerprint: string;
  /** How patches are prepared for it, as the checkpoint records it. */
  normalisation: object;
  /** Of its calibration; 1 where it has none. */
  temperature: number;
}

export interface MiningTask {
  store: Store;
  dataset: MinedDataset & { records: readonly MinableRecord[] };
  split: Split;
  model: MiningModel;
  /** Prepared patches of the data set, by record. */
  patches: PatchSource;
  guard: PlaceGuard;
  /** Of the guard, in patch sides. */
  guardMargin: number;
  strategy: Strategy;
  rules: SelectionRules;
  seed: number;
  /** Anchors that a SAR patch may be the negative of; default: `USES_PER_NEGATIVE` times k. */
  maxUses?: number | undefined;
  /** For each anchor; default: `maxCandidatesFor`. */
  maxCandidates?: number | undefined;
  /** Folder for the scores; without one they are not kept. */
  cache?: string | undefined;
  /** Removes the scores that are in the folder. */
  refreshCache?: boolean;
  signal?: AbortSignal | undefined;
  onProgress?: ((pairs: number, total: number) => void) | undefined;
  /** Before a long scoring of whole pairs: what it will cost. */
  onEstimate?: ((estimate: { pairs: number; seconds: number }) => void) | undefined;
}

export interface MiningReport {
  negatives: number;
  anchors: number;
  /** Pairs of an anchor and a candidate: what was skipped, surplus and chosen, together. */
  candidates: number;
  /** Real SAR patches in the split; a pool holds `header.maxCandidates` of them. */
  available: number;
  skipped: Record<Rule, number>;
  /** Candidates that passed every rule and were not needed. */
  surplus: number;
  /** Anchors that got fewer than k. */
  shortages: number;
  shortageReasons: Partial<Record<ShortageReason, number>>;
  quantiles: ScoreQuantiles;
  /** Different SAR patches among the negatives, and how often the most used one is among them. */
  variety: { images: number; mostUsed: number };
  cost: MiningCost;
  /** Folder of the scores; null where nothing was cached. */
  cache: string | null;
}

export interface MiningResult {
  header: NegativesHeader;
  negatives: MinedNegative[];
  report: MiningReport;
  shortages: Shortage[];
}

export const MINING_DEFAULTS = {
  k: 1,
  rankMin: 0,
  rankMax: Infinity,
  sampling: 'top',
  seed: 1,
  guardMargin: 1,
} as const;

/**
 * A matcher that is not sure of itself takes a few SAR patches for a match with anything. Were these the negatives of
 * every anchor, training on would learn that they never match. Chance alone deals a patch out five or six times.
 */
export const USES_PER_NEGATIVE = 5;

/** Pairs in a block: a quarter to a whole minute of work on two cores. Whole pairs cost eighty times as much. */
const PAIRS_PER_BLOCK = { joined: 2 ** 17, whole: 2 ** 13 } as const;

/** Candidates for each anchor, by what they cost. */
export function maxCandidatesFor(kind: ScoreKind | undefined, scorer: MiningScorer): number {
  if (kind === 'likeness') return 5000;
  return kind === 'match' && !scorer.halves ? 100 : 500;
}

/**
 * Mines negatives for every real positive pair of a split.
 *
 * @throws UsageError where the rules cannot be meant, or the model has no features for the strategy.
 * @throws SplitError where the split has fewer than two such pairs, or no anchor got a negative.
 * @throws StaleCacheError where the cached scores were made otherwise. @throws NonFiniteError where a score is not finite.
 * @throws PatchError where a patch cannot be used. @throws the signal's reason when it is aborted; blocks that were
 * finished stay in the cache.
 */
export async function mine(task: MiningTask): Promise<MiningResult> {
  const { dataset, split, strategy, rules, seed } = task;
  checkRules(strategy, rules);
  const kind = scoresNeededBy(strategy, rules);
  const maxCandidates = task.maxCandidates ?? maxCandidatesFor(kind, task.model.scorer);
  const plan = planMining(dataset.records, dataset.indicesOf(split), {
    split,
    seed,
    maxCandidates,
    pairsPerBlock: kind === 'match' && !task.model.scorer.halves ? PAIRS_PER_BLOCK.whole : PAIRS_PER_BLOCK.joined,
  });
  const meter = new Meter(expectedPairs(kind, plan, rules.k), task.onProgress);
  const scored = kind ? scoredBlocks(kind, plan, task, meter) : unscoredBlocks(plan, task);
  const maxUses = task.maxUses ?? USES_PER_NEGATIVE * rules.k;
  const { drafts, positives, tally, variety } = await chooseAll(scored, task, maxUses);
  if (drafts.length === 0) throw nothingFound(task, plan, tally);
  const negatives = await complete(drafts, positives, task, meter);
  return {
    header: headerOf(task, maxCandidates, maxUses),
    negatives,
    shortages: tally.shortages,
    report: {
      negatives: negatives.length,
      anchors: plan.anchors,
      candidates: tally.candidates,
      available: plan.available,
      skipped: tally.skipped,
      surplus: tally.surplus,
      shortages: tally.shortages.length,
      shortageReasons: tally.shortageReasons(),
      quantiles: tally.quantiles(
        positives.values(),
        negatives.map(({ score }) => score),
        negatives.map(({ probability }) => probability),
      ),
      variety,
      cost: meter.cost(),
      cache: (kind && task.cache) ?? null,
    },
  };
}

/** A chosen negative before it is known how the matcher scores it. */
interface Draft extends Choice {
  anchor: number;
  /** Candidates that the guard allowed. */
  allowed: number;
}

interface Chosen {
  drafts: Draft[];
  /** Score of each anchor's true pair, on the scale of the strategy; empty where nothing was scored. */
  positives: Map<number, number>;
  tally: Tally;
  variety: MiningReport['variety'];
}

/** Anchor by anchor in the order of the plan; the result is by record. */
async function chooseAll(blocks: AsyncIterable<ScoredBlock>, task: MiningTask, maxUses: number): Promise<Chosen> {
  const excluded = exclusions(task.dataset.records, task.guard, maxUses);
  const tally = new Tally();
  const drafts: Draft[] = [];
  const positives = new Map<number, number>();
  for await (const { block, scores } of blocks) {
    block.anchors.forEach((anchor, row) => {
      const exclusion = excluded.for(anchor);
      const rng = Rng.derive(task.seed, 'mining choice', anchor);
      const ranked = rankRow(block, row, scores, task, rng);
      const selection = select(ranked, task.rules, exclusion, rng);
      tally.addRow(ranked, exclusion);
      tally.addSelection(anchor, selection, task.rules.k);
      if (ranked.positive !== undefined) positives.set(anchor, ranked.positive);
      const allowed = ranked.candidates.length - selection.skipped.guard - selection.skipped.duplicate;
      for (const choice of selection.chosen) {
        excluded.use(choice.candidate);
        drafts.push({ ...choice, anchor, allowed });
      }
    });
  }
  drafts.sort((a, b) => a.anchor - b.anchor || a.rank - b.rank);
  return { drafts, positives, tally, variety: excluded.variety() };
}

/** Pairs that will be scored, or read: at most, as an anchor may get fewer than k. */
function expectedPairs(kind: ScoreKind | undefined, { pairs, anchors }: MiningPlan, k: number): number {
  if (kind === 'match') return pairs + anchors; // the true pairs, too
  return kind === 'likeness' ? pairs + anchors * k : anchors * (k + 1); // the chosen ones by the matcher
}

/** The candidates of one anchor in the order of the strategy, with scores on its scale. */
function rankRow(
  { pool }: MiningBlock,
  row: number,
  scores: BlockScores | undefined,
  { strategy, model }: MiningTask,
  rng: Rng,
): RankedRow {
  if (!scores) {
    const order = rankAtRandom(pool, rng);
    return { candidates: order.map((position) => pool[position]!), scores: undefined, positive: undefined };
  }
  const own = scores.scores.subarray(row * pool.length, (row + 1) * pool.length);
  // Probabilities near 1 run together, so ranks go by what they are made of.
  const order = strategy === 'random' ? rankAtRandom(pool, rng) : rankByScore(pool, own);
  const onScale = (score: number) => (strategy === 'nearest' ? score : probabilityOf(score, model));
  return {
    candidates: order.map((position) => pool[position]!),
    scores: Float64Array.from(order, (position) => onScale(own[position]!)),
    positive: onScale(scores.positives[row]!),
  };
}

/** Gives each negative its scores: those that choosing did not need are computed now, for the chosen ones only. */
async function complete(
  drafts: readonly Draft[],
  positives: Map<number, number>,
  task: MiningTask,
  meter: Meter,
): Promise<MinedNegative[]> {
  const { strategy, model } = task;
  const isUnscored = positives.size === 0;
  const anchors = isUnscored ? [...new Set(drafts.map(({ anchor }) => anchor))] : [];
  const needed = isUnscored || strategy === 'nearest' ? drafts : [];
  const references = [
    ...anchors.map((anchor) => ({ sar: anchor, optical: anchor })),
    ...needed.map(({ candidate, anchor }) => ({ sar: candidate, optical: anchor })),
  ];
  const scores = await scoreReferences(references, blockTask(task, meter));
  refuseNonFinite(scores);
  const probabilities = Array.from(scores, (score) => probabilityOf(score, model));
  anchors.forEach((anchor, i) => {
    positives.set(anchor, probabilities[i]!);
  });
  return drafts.map(({ candidate, anchor, score, rank, allowed }, i) => {
    const probability = needed.length > 0 ? probabilities[anchors.length + i]! : score!;
    return {
      sar: candidate,
      optical: anchor,
      label: 0,
      provenance: 'mined',
      score: score ?? probability,
      positiveScore: positives.get(anchor)!,
      probability,
      rank,
      reason: `${strategy}: rank ${rank} of ${allowed}`,
    };
  });
}

function headerOf(task: MiningTask, maxCandidates: number, maxUses: number): NegativesHeader {
  const { strategy, split, dataset, model, seed, rules, guardMargin } = task;
  const { k, sampling, rankMin, rankMax, ...ofScores } = rules;
  const inForce = {
    ...(rankMin > 0 && { rankMin }),
    ...(rankMax < Infinity && { rankMax }),
    ...Object.fromEntries(Object.entries(ofScores).filter(([, value]) => value !== undefined)),
  };
  return {
    doppel: 'negatives',
    version: 1,
    strategy,
    split,
    scale: scaleOf(strategy),
    dataFingerprint: dataset.fingerprint,
    modelFingerprint: model.fingerprint,
    seed,
    k,
    sampling,
    maxCandidates,
    maxUses,
    guardMargin,
    rules: inForce,
  };
}

function nothingFound({ split, guardMargin }: MiningTask, plan: MiningPlan, tally: Tally): SplitError {
  const skipped = Object.entries(tally.skipped).filter(([, count]) => count > 0);
  const isGuarded = skipped.every(([rule]) => rule === 'guard' || rule === 'duplicate');
  return new SplitError({
    action: `mine negatives in the split "${split}"`,
    expected: 'at least one candidate that the guard and the rules allow',
    found: `none for ${plan.anchors} anchors; skipped: ${skipped.map(([rule, n]) => `${n} by ${rule}`).join(', ')}`,
    remedy: isGuarded
      ? `All patches are neighbours: mine in a larger data set, or lower --guard-margin (now ${guardMargin}).`
      : 'Loosen the rules.',
  });
}
