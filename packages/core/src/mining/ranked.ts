/**
 * Mining among real patches, which `random`, `loss` and `nearest` share: plan the pairs, score them (or read their
 * scores), rank, choose by rules, and count. `docs/mining.md` explains each rule.
 */
import { z } from 'zod';
import { Rng } from '../base/random.ts';
import { SplitError } from '../errors.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import { Meter } from './blocks/meter.ts';
import type { BlockScores, ScoreKind } from './blocks/score_cache.ts';
import { type ScoredBlock, scoredBlocks, scoringInParts, unscoredBlocks } from './blocks/scored_blocks.ts';
import { exclusions } from './exclusion.ts';
import type { MinedHeader, MinedNegative, Scale } from './negatives.ts';
import { scoreReferences } from './pair_scores.ts';
import { type MiningBlock, type MiningPlan, planMining } from './plan.ts';
import {
  type Choice,
  type RankedRow,
  type Rule,
  rankAtRandom,
  rankByScore,
  SAMPLINGS,
  type ScoreRules,
  type SelectionRules,
  select,
} from './select.ts';
import type { Bench, MiningCost, MiningReport, Negatives, Scoring, Watch } from './strategy.ts';
import { type ScoreQuantiles, type ShortageReason, Tally } from './tally.ts';

const RANGES: Record<Scale, readonly [number, number]> = { probability: [0, 1], cosine: [-1, 1] };

/** Default limit on the reuse of a SAR patch, times k. By chance a patch is used up to five or six times. */
const USES_PER_NEGATIVE = 5;

const ranks = {
  rankMin: z.int().min(0).default(0).meta({ description: 'Skip the n hardest candidates', hint: 'n' }),
  rankMax: z.int().positive().optional().meta({ description: 'Choose among the n hardest candidates only', hint: 'n' }),
};

/** Settings of a strategy that chooses by rank and score. */
export const rankedSettings = (scale: Scale) => z.strictObject(shapeOf(scale, ranks)).superRefine(refuseContradictions);

/** Settings without ranks, which have no meaning in random order. */
export const unrankedSettings = () => z.strictObject(shapeOf('probability', {})).superRefine(refuseContradictions);

export type RankedSettings = z.infer<ReturnType<typeof rankedSettings>>;
export type UnrankedSettings = z.infer<ReturnType<typeof unrankedSettings>>;

function shapeOf<R extends z.ZodRawShape>(scale: Scale, ranks: R) {
  const [low, high] = RANGES[scale];
  const score = z.number().min(low).max(high).optional();
  return {
    k: z.int().positive().default(1).meta({ description: 'Negatives for each anchor' }),
    maxCandidates: z
      .int()
      .min(2)
      .optional()
      .meta({ description: 'Candidates for each anchor, drawn at random; default by cost: 5000, 500 or 100' }),
    maxUses: z
      .int()
      .positive()
      .optional()
      .meta({ description: `Anchors that one SAR patch may be the negative of; default ${USES_PER_NEGATIVE}·k` }),
    ...ranks,
    minScore: score.meta({ description: 'Skip candidates with a lower score' }),
    maxScore: score.meta({ description: 'Skip candidates with a higher score' }),
    absoluteMargin: z
      .number()
      .min(0)
      .max(high - low)
      .optional()
      .meta({ description: 'Score at most that of the true pair − m', hint: 'm' }),
    relativeMargin: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .meta({ description: 'Score at most that of the true pair · (1 − m)', hint: 'm' }),
    sampling: z
      .enum(SAMPLINGS)
      .default('top')
      .meta({ description: 'Which of the candidates that pass: the hardest, or any' }),
  };
}

function refuseContradictions(
  { k, rankMin = 0, rankMax = Infinity, minScore = -Infinity, maxScore = Infinity }: Ranks & ScoreRules & { k: number },
  ctx: z.core.$RefinementCtx,
): void {
  const refuse = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
  if (minScore > maxScore) refuse('minScore', `${minScore} is above the highest score, ${maxScore}`);
  if (rankMax - rankMin < k) refuse('rankMax', `leaves ${rankMax - rankMin} ranks from ${rankMin} on, for k = ${k}`);
}

interface Ranks {
  rankMin?: number | undefined;
  rankMax?: number | undefined;
}

/** Ranking of the candidates of an anchor by a strategy. */
export interface Ranking {
  strategy: string;
  scale: Scale;
  /** Score that is computed for each candidate; undefined if none is needed. */
  kind: ScoreKind | undefined;
  order: 'score' | 'random';
}

export interface RankedReport extends MiningReport {
  negatives: number;
  /** Pairs of an anchor and a candidate: skipped, surplus and chosen ones add up to it. */
  candidates: number;
  /** Real SAR patches in the split; a pool holds `header.maxCandidates` of them. */
  available: number;
  skipped: Record<Rule, number>;
  surplus: number;
  shortages: number;
  shortageReasons: Partial<Record<ShortageReason, number>>;
  quantiles: ScoreQuantiles;
  variety: { images: number; mostUsed: number };
  cost: MiningCost;
  cache: string | null;
}

export interface RankedNegatives extends Negatives {
  header: MinedHeader;
  negatives: readonly MinedNegative[];
  report: RankedReport;
}

/** Pairs in a block: a quarter of a minute to a minute of work on two cores. Whole pairs cost eighty times as much. */
const PAIRS_PER_BLOCK = { joined: 2 ** 17, whole: 2 ** 13 } as const;

/** Candidates for each anchor, by what they cost. */
function maxCandidatesFor(kind: ScoreKind | undefined, isWhole: boolean): number {
  if (kind === 'likeness') return 5000;
  return isWhole ? 100 : 500;
}

/** Mines negatives for every real positive pair of the split. Errors as `Strategy.find`. */
export async function findRanked(
  ranking: Ranking,
  bench: Bench,
  settings: UnrankedSettings & Ranks,
  watch: Watch,
): Promise<RankedNegatives> {
  const { kind } = ranking;
  const { maxUses = USES_PER_NEGATIVE * settings.k, rankMin = 0, rankMax = Infinity } = settings;
  const rules: SelectionRules = { ...settings, rankMin, rankMax };
  const { plan, maxCandidates } = planOf(kind, bench, settings);
  const meter = new Meter(expectedPairs(kind, plan, rules.k), watch.onProgress);
  const blocks = kind ? scoredBlocks(kind, plan, bench, watch, meter) : unscoredBlocks(plan, watch);
  const { drafts, positives, tally, variety } = await chooseAll(blocks, ranking, bench, rules, maxUses);
  if (drafts.length === 0) throw nothingFound(bench, plan, tally);
  const negatives = await complete(drafts, positives, ranking, bench, watch, meter);
  return {
    header: headerOf(ranking, bench, rules, { maxCandidates, maxUses }),
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
      cache: (kind && bench.scores?.folder) ?? null,
    },
  };
}

/** Scores that `findRanked` reads with the same ranking, bench and settings, in parts; undefined if it needs none. */
export function scoringOf({ kind }: Ranking, bench: Bench, settings: UnrankedSettings): Scoring | undefined {
  return kind && scoringInParts(kind, planOf(kind, bench, settings).plan, bench);
}

function planOf(kind: ScoreKind | undefined, { model, dataset, split, seed }: Bench, settings: UnrankedSettings) {
  const isWhole = kind === 'match' && !model.scorer.halves;
  const { maxCandidates = maxCandidatesFor(kind, isWhole) } = settings;
  const plan = planMining(dataset.records, dataset.indicesOf(split), {
    ...{ split, seed, maxCandidates },
    pairsPerBlock: isWhole ? PAIRS_PER_BLOCK.whole : PAIRS_PER_BLOCK.joined,
  });
  return { plan, maxCandidates };
}

/** Chosen negative, before the matcher's score of it is known. */
interface Draft extends Choice {
  anchor: number;
  /** Candidates that the guard allowed. */
  allowed: number;
}

interface Chosen {
  drafts: Draft[];
  /** Score of each anchor's true pair, on the scale of the strategy; empty if nothing was scored. */
  positives: Map<number, number>;
  tally: Tally;
  variety: RankedReport['variety'];
}

/** Anchor by anchor in the order of the plan; the result is sorted by record. */
async function chooseAll(
  blocks: AsyncIterable<ScoredBlock>,
  ranking: Ranking,
  bench: Bench,
  rules: SelectionRules,
  maxUses: number,
): Promise<Chosen> {
  const excluded = exclusions(bench.dataset.records, bench.guard, maxUses);
  const tally = new Tally();
  const drafts: Draft[] = [];
  const positives = new Map<number, number>();
  for await (const { block, scores } of blocks) {
    block.anchors.forEach((anchor, row) => {
      const exclusion = excluded.for(anchor);
      const rng = Rng.derive(bench.seed, 'mining choice', anchor);
      const ranked = rankRow(block, row, scores, ranking, bench, rng);
      const selection = select(ranked, rules, exclusion, rng);
      tally.addRow(ranked, exclusion);
      tally.addSelection(anchor, selection, rules.k);
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

/** Upper bound of the pairs that will be scored or read, as an anchor may get fewer than k. */
function expectedPairs(kind: ScoreKind | undefined, { pairs, anchors }: MiningPlan, k: number): number {
  if (kind === 'match') return pairs + anchors; // the true pairs, too
  return kind === 'likeness' ? pairs + anchors * k : anchors * (k + 1); // the chosen ones by the matcher
}

/** Candidates of one anchor in the order of the strategy, with scores on its scale. */
function rankRow(
  { pool }: MiningBlock,
  row: number,
  scores: BlockScores | undefined,
  { order, scale }: Ranking,
  { model }: Bench,
  rng: Rng,
): RankedRow {
  const own = scores?.scores.subarray(row * pool.length, (row + 1) * pool.length);
  // Probabilities near 1 run together, so ranks go by the scores behind them.
  const positions = order === 'score' && own ? rankByScore(pool, own) : rankAtRandom(pool, rng);
  const candidates = positions.map((position) => pool[position]!);
  if (!scores || !own) return { candidates, scores: undefined, positive: undefined };
  const onScale = (score: number) => (scale === 'cosine' ? score : probabilityOf(score, model.info.calibration));
  return {
    candidates,
    scores: Float64Array.from(positions, (position) => onScale(own[position]!)),
    positive: onScale(scores.positives[row]!),
  };
}

/** Gives each negative its scores; those that choosing did not need are computed now, for the chosen ones only. */
async function complete(
  drafts: readonly Draft[],
  positives: Map<number, number>,
  { strategy, scale }: Ranking,
  bench: Bench,
  { signal }: Watch,
  meter: Meter,
): Promise<MinedNegative[]> {
  const isUnscored = positives.size === 0;
  const anchors = isUnscored ? [...new Set(drafts.map(({ anchor }) => anchor))] : [];
  const needed = isUnscored || scale === 'cosine' ? drafts : [];
  const references = [
    ...anchors.map((anchor) => ({ sar: anchor, optical: anchor })),
    ...needed.map(({ candidate, anchor }) => ({ sar: candidate, optical: anchor })),
  ];
  const scores = await scoreReferences(references, bench, { signal, onPairs: (pairs) => meter.addScored(pairs) });
  const probabilities = Array.from(scores, (score) => probabilityOf(score, bench.model.info.calibration));
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

function headerOf(
  { strategy, scale }: Ranking,
  { split, dataset, model, seed, guard }: Bench,
  { k, sampling, rankMin, rankMax, minScore, maxScore, absoluteMargin, relativeMargin }: SelectionRules,
  limits: { maxCandidates: number; maxUses: number },
): MinedHeader {
  const ofScores = { minScore, maxScore, absoluteMargin, relativeMargin };
  const rules = {
    ...(rankMin > 0 && { rankMin }),
    ...(rankMax < Infinity && { rankMax }),
    ...Object.fromEntries(Object.entries(ofScores).filter((rule): rule is [string, number] => rule[1] !== undefined)),
  };
  return {
    doppel: 'negatives',
    version: 1,
    strategy,
    split,
    scale,
    dataFingerprint: dataset.fingerprint,
    modelFingerprint: model.info.fingerprint,
    seed,
    k,
    sampling,
    ...limits,
    guardMargin: guard.margin,
    rules,
  };
}

function nothingFound({ split, guard }: Bench, plan: MiningPlan, tally: Tally): SplitError {
  const skipped = Object.entries(tally.skipped).filter(([, count]) => count > 0);
  const isGuarded = skipped.every(([rule]) => rule === 'guard' || rule === 'duplicate');
  return new SplitError({
    action: `mine negatives in the split "${split}"`,
    expected: 'at least one candidate that the guard and the rules allow',
    found: `none for ${plan.anchors} anchors; skipped: ${skipped.map(([rule, n]) => `${n} by ${rule}`).join(', ')}`,
    remedy: isGuarded
      ? `All patches are neighbours: mine in a larger data set, or lower --guard-margin (now ${guard.margin}).`
      : 'Loosen the rules.',
  });
}
