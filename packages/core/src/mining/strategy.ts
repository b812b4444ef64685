/**
 * The ways to look for negatives, and what a score means in each.
 *
 * - `random`: any candidate, as likely as any other. Score: the matcher's probability.
 * - `loss`: the candidates that the matcher takes for a match with the anchor's optical patch, the ones that cost it the
 *   highest loss as negatives. Score: the matcher's probability.
 * - `nearest`: the SAR patches that look most like the anchor's own SAR patch to the matcher. Score: the cosine of the
 *   features of its SAR stream; the anchor's own patch, hence its positive, has 1.
 */
import { UsageError } from '../errors.ts';
import { needsScores, type SelectionRules } from './select.ts';

export const STRATEGIES = ['random', 'loss', 'nearest'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** What is computed, and cached, for each anchor and candidate: the matcher's score, or the likeness of SAR patches. */
export type ScoreKind = 'match' | 'likeness';

export const SCALES = ['probability', 'cosine'] as const;
/** What the scores of a strategy mean; rules are given on this scale. */
export type Scale = (typeof SCALES)[number];

export const scaleOf = (strategy: Strategy): Scale => (strategy === 'nearest' ? 'cosine' : 'probability');

/** Undefined where candidates can be chosen without scoring them. */
export function scoresNeededBy(strategy: Strategy, rules: SelectionRules): ScoreKind | undefined {
  if (strategy === 'nearest') return 'likeness';
  return strategy === 'loss' || needsScores(rules) ? 'match' : undefined;
}

const RANGES: Record<Scale, readonly [number, number]> = { probability: [0, 1], cosine: [-1, 1] };

/** @throws UsageError where rules cannot be meant: out of range, contradictory, or too narrow for k negatives. */
export function checkRules(strategy: Strategy, rules: SelectionRules): void {
  const { k, rankMin, rankMax, minScore, maxScore, absoluteMargin, relativeMargin } = rules;
  const scale = scaleOf(strategy);
  const [low, high] = RANGES[scale];
  within('k', k, 1, Infinity);
  within('rank-min', rankMin, 0, Infinity);
  within('rank-max', rankMax, rankMin, Infinity);
  within('min-score', minScore, low, high, `, as ${strategy} scores by ${scale}`);
  within('max-score', maxScore, low, high, `, as ${strategy} scores by ${scale}`);
  within('absolute-margin', absoluteMargin, 0, high - low);
  within('relative-margin', relativeMargin, 0, 1);
  if (minScore !== undefined && maxScore !== undefined && minScore > maxScore) {
    refuse('--min-score at most --max-score', `${minScore} and ${maxScore}`);
  }
  if (rankMax - rankMin < k) {
    refuse(
      `a range of at least k = ${k} ranks`,
      `--rank-min ${rankMin} and --rank-max ${rankMax}, which leave ${rankMax - rankMin}`,
    );
  }
  if (strategy === 'random' && (rankMin > 0 || rankMax < Infinity)) {
    refuse('no range of ranks with the strategy random', `--rank-min ${rankMin}, --rank-max ${rankMax}`);
  }
}

function within(name: string, value: number | undefined, low: number, high: number, why = ''): void {
  if (value === undefined || (value >= low && value <= high)) return;
  const bounds = high === Infinity ? `at least ${low}` : `${low} to ${high}`;
  refuse(`--${name} ${bounds}${why}`, `${value}`);
}

function refuse(expected: string, found: string): never {
  throw new UsageError({ action: 'mine by these rules', expected, found });
}
