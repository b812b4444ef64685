/**
 * Chooses which candidates of one anchor become its negatives. It takes a ranked row of scores and rules, and knows
 * neither models nor files: a higher score means harder, and rules and scores are on the same scale.
 *
 * Every candidate has exactly one fate: chosen, surplus (it passed, but k others were chosen), or skipped by the first
 * rule against it, in the order of `RULES`.
 */
import type { Rng } from '../base/random.ts';

/** Rules, in the order in which they apply. */
export const RULES = [
  /** Shows the anchor's ground or neighbouring ground. */
  'guard',
  /** Same image as an earlier candidate of the anchor. */
  'duplicate',
  /** Outside the range of ranks. */
  'rank',
  'minScore',
  'maxScore',
  'absoluteMargin',
  'relativeMargin',
  /** Already the negative of as many anchors as allowed. */
  'maxUses',
] as const;
export type Rule = (typeof RULES)[number];

export const SAMPLINGS = ['top', 'random'] as const;
export type Sampling = (typeof SAMPLINGS)[number];

export interface ScoreRules {
  /** Skip candidates with a lower score: too easy. */
  minScore?: number | undefined;
  /** Skip candidates with a higher score: they may show the same ground. */
  maxScore?: number | undefined;
  /** Keep only candidates with score ≤ positive − margin. At least 0. */
  absoluteMargin?: number | undefined;
  /** Keep only candidates with score ≤ positive − |positive|·margin. In [0, 1]. */
  relativeMargin?: number | undefined;
}

export interface SelectionRules extends ScoreRules {
  /** Negatives for each anchor. */
  k: number;
  /** First rank to choose from; 0 is the hardest candidate that the guard allows. */
  rankMin: number;
  /** First rank not to choose from; Infinity for all. */
  rankMax: number;
  /** `top`: the hardest that pass; `random`: any that pass, each with the same chance. */
  sampling: Sampling;
}

/** Candidates of one anchor from the hardest to the easiest, in the order of `rankByScore` or `rankAtRandom`. */
export interface RankedRow {
  /** Records, by rank. */
  candidates: ArrayLike<number>;
  /** Scores by rank; undefined if nothing was scored, and then no rule of scores may be in force. */
  scores: ArrayLike<number> | undefined;
  /** Score of the anchor's true pair; undefined likewise. */
  positive: number | undefined;
}

/** Reasons against a candidate that do not depend on its score. */
export interface Exclusion {
  /** True if the candidate shows the anchor's ground or neighbouring ground. */
  isGuarded(candidate: number): boolean;
  /** Equal for candidates with the same image. */
  imageOf(candidate: number): number;
  /** True if the candidate has reached the limit of anchors that it may be the negative of. */
  isSpent(candidate: number): boolean;
}

export interface Choice {
  candidate: number;
  score: number | undefined;
  /** Rank among the candidates that the guard allows, 0 the hardest. */
  rank: number;
}

export interface Selection {
  /** Chosen candidates by rank, at most k. */
  chosen: Choice[];
  skipped: Record<Rule, number>;
  /** Candidates that passed every rule and were not needed. */
  surplus: number;
}

export const noneSkipped = (): Record<Rule, number> =>
  Object.fromEntries(RULES.map((rule) => [rule, 0])) as Record<Rule, number>;

/** True if a rule needs scores. */
export function needsScores(rules: ScoreRules): boolean {
  const { minScore, maxScore, absoluteMargin, relativeMargin } = rules;
  return [minScore, maxScore, absoluteMargin, relativeMargin].some((rule) => rule !== undefined);
}

/**
 * Chooses up to k negatives. The same row, rules and state of `rng` give the same choice; only the sampling `random`
 * uses `rng`.
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
 * Highest score that a margin allows: positive − margin·unit. The unit of a relative margin is |positive|, so that the
 * limit is below the positive score even if that is negative, where positive·(1 − margin) would be above it.
 */
function marginLimit(margin: number | undefined, positive: number | undefined, unit: number): number {
  if (margin === undefined) return Infinity;
  if (positive === undefined) throw new RangeError('a margin needs the score of the true pair');
  return positive - margin * unit;
}

/**
 * k items, or all if there are fewer, each with the same chance, in their order (selection sampling: Knuth, TAOCP 2,
 * 3.4.2, algorithm S).
 */
function sample<T>(items: readonly T[], k: number, rng: Rng): T[] {
  const taken: T[] = [];
  for (let i = 0; i < items.length && taken.length < k; i++) {
    if (rng.float() * (items.length - i) < k - taken.length) taken.push(items[i]!);
  }
  return taken;
}

/**
 * Positions of the candidates from the highest score to the lowest, equal scores by record: the order in which
 * candidates arrive does not matter. Scores are finite.
 */
export function rankByScore(candidates: ArrayLike<number>, scores: ArrayLike<number>): Uint32Array {
  return positions(candidates).sort((a, b) => scores[b]! - scores[a]! || candidates[a]! - candidates[b]!);
}

/** Positions of the candidates in random order, which depends only on the candidates and the state of `rng`. */
export function rankAtRandom(candidates: ArrayLike<number>, rng: Rng): Uint32Array {
  const order = positions(candidates).sort((a, b) => candidates[a]! - candidates[b]!);
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

const positions = (items: ArrayLike<unknown>) => Uint32Array.from({ length: items.length }, (_, i) => i);
