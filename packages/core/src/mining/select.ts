/**
 * Which candidates of one anchor become its negatives. This file only chooses: it takes a ranked row of scores and
 * rules, and knows neither models nor files. What the scores mean is the caller's business, as long as a higher score
 * means harder and rules and scores are on the same scale.
 *
 * Every candidate has exactly one fate: chosen, surplus (it passed, but enough others were chosen), or skipped by the
 * first rule against it, in the order of `RULES`.
 */
import type { Rng } from '../base/random.ts';

/** In the order in which they are asked. */
export const RULES = [
  /** Shows the anchor's ground or ground beside it. */
  'guard',
  /** The same image as a candidate that was looked at already. */
  'duplicate',
  /** Outside of the range of ranks. */
  'rank',
  'minScore',
  'maxScore',
  'absoluteMargin',
  'relativeMargin',
  /** The negative of as many anchors as it may be. */
  'maxUses',
] as const;
export type Rule = (typeof RULES)[number];

export const SAMPLINGS = ['top', 'random'] as const;
export type Sampling = (typeof SAMPLINGS)[number];

export interface ScoreRules {
  /** Skip candidates that score less: they are too easy. */
  minScore?: number | undefined;
  /** Skip candidates that score more: they may show the same ground. */
  maxScore?: number | undefined;
  /** Keep candidates with score ≤ positive − margin only. At least 0. */
  absoluteMargin?: number | undefined;
  /** Keep candidates with score ≤ positive − |positive|·margin only. In [0, 1]. */
  relativeMargin?: number | undefined;
}

export interface SelectionRules extends ScoreRules {
  /** Negatives for each anchor. */
  k: number;
  /** The first rank to choose from; 0 is the hardest candidate that the guard allows. */
  rankMin: number;
  /** The first rank no longer to choose from; Infinity for all. */
  rankMax: number;
  /** The hardest that pass, or any of them with the same chance. */
  sampling: Sampling;
}

/** Candidates of one anchor from the hardest to the easiest, as `rankByScore` or `rankAtRandom` order them. */
export interface RankedRow {
  /** Records, by rank. */
  candidates: ArrayLike<number>;
  /** By rank; undefined where nothing was scored, and then no rule of scores may be in force. */
  scores: ArrayLike<number> | undefined;
  /** Score of the anchor's true pair; undefined as above. */
  positive: number | undefined;
}

/** What keeps a candidate from being a negative of the anchor whatever its score. */
export interface Exclusion {
  /** True where the candidate shows the anchor's ground or ground beside it. */
  isGuarded(candidate: number): boolean;
  /** Equal for candidates that are the same image. */
  imageOf(candidate: number): number;
  /** True where the candidate is the negative of as many anchors as it may be. */
  isSpent(candidate: number): boolean;
}

export interface Choice {
  candidate: number;
  score: number | undefined;
  /** Among the candidates that the guard allows, 0 the hardest. */
  rank: number;
}

export interface Selection {
  /** At most k, by rank. */
  chosen: Choice[];
  skipped: Record<Rule, number>;
  /** Candidates that passed every rule and were not needed. */
  surplus: number;
}

export const noneSkipped = (): Record<Rule, number> =>
  Object.fromEntries(RULES.map((rule) => [rule, 0])) as Record<Rule, number>;

/** True where a rule needs scores. */
export function needsScores(rules: ScoreRules): boolean {
  const { minScore, maxScore, absoluteMargin, relativeMargin } = rules;
  return [minScore, maxScore, absoluteMargin, relativeMargin].some((rule) => rule !== undefined);
}

/**
 * Chooses up to k negatives. The same row, rules and state of `rng` give the same choice; `rng` is used by the sampling
 * `random` only.
 */
export function select(row: RankedRow, rules: SelectionRules, exclusion: Exclusion, rng: Rng): Selection {
  const skipped = noneSkipped();
  const passed: Choice[] = [];
  const seen = new Set<number>();
  const ruleAgainst = scoreRule(rules, row.positive);
  let rank = 0;
  let surplus = 0;
  for (let i = 0; i < row.candidates.length; i++) {
    const candidate = row.candidates[i]!;
    const image = exclusion.imageOf(candidate);
    if (exclusion.isGuarded(candidate)) {
      skipped.guard++;
      continue;
    }
    if (seen.has(image)) {
      skipped.duplicate++;
      continue;
    }
    seen.add(image);
    const score = row.scores?.[i];
    const isInRange = rank >= rules.rankMin && rank < rules.rankMax;
    const against = isInRange ? (ruleAgainst(score) ?? (exclusion.isSpent(candidate) ? 'maxUses' : undefined)) : 'rank';
    if (against) skipped[against]++;
    else if (rules.sampling === 'top' && passed.length === rules.k) surplus++;
    else passed.push({ candidate, score, rank });
    rank++;
  }
  const chosen = sample(passed, rules.k, rng);
  return { chosen, skipped, surplus: surplus + passed.length - chosen.length };
}

type ScoreRule = (score: number | undefined) => Rule | undefined;

function scoreRule(rules: ScoreRules, positive: number | undefined): ScoreRule {
  if (!needsScores(rules)) return () => undefined;
  const { minScore = -Infinity, maxScore = Infinity } = rules;
  const absolute = marginLimit(rules.absoluteMargin, positive, 1);
  const relative = marginLimit(rules.relativeMargin, positive, Math.abs(positive ?? Number.NaN));
  return (score) => {
    if (score === undefined) throw new RangeError('a rule of scores needs scores');
    if (score < minScore) return 'minScore';
    if (score > maxScore) return 'maxScore';
    if (score > absolute) return 'absoluteMargin';
    if (score > relative) return 'relativeMargin';
    return undefined;
  };
}

/**
 * The highest score that a margin allows: positive − margin·unit. The unit of a relative margin is |positive|, so that
 * the limit stays below a negative positive score too, where positive·(1 − margin) would rise above it.
 */
function marginLimit(margin: number | undefined, positive: number | undefined, unit: number): number {
  if (margin === undefined) return Infinity;
  if (positive === undefined) throw new RangeError('a margin needs the score of the true pair');
  return positive - margin * unit;
}

/** k of them, or all where there are no more, each with the same chance, in their order (selection sampling: Knuth, TAOCP 2, 3.4.2, algorithm S). */
function sample<T>(items: readonly T[], k: number, rng: Rng): T[] {
  const taken: T[] = [];
  for (let i = 0; i < items.length && taken.length < k; i++) {
    if (rng.float() * (items.length - i) < k - taken.length) taken.push(items[i]!);
  }
  return taken;
}
