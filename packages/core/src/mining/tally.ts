/**
 * Counts the outcome of mining row by row, in bounded memory: quantiles of scores, candidates skipped by each rule, and
 * anchors with fewer than k negatives and the reason.
 */
import { QuantileSketch, type Quantiles } from '../base/quantiles.ts';
import { type Exclusion, noneSkipped, type RankedRow, RULES, type Rule, type Selection } from './select.ts';

/**
 * Reason why an anchor got fewer negatives than k: the rule that skipped most, or `candidates` if there were too few.
 */
export type ShortageReason = Rule | 'candidates';

export interface Shortage {
  anchor: number;
  /** Number of negatives that the anchor got. */
  got: number;
  reason: ShortageReason;
}

/** A type, not an interface: it goes into reports, which have any figures. */
export type ScoreQuantiles = {
  /** Candidates that the guard allowed; absent if they were not scored. */
  candidates?: Quantiles | undefined;
  /** True pairs of the anchors. */
  positives?: Quantiles | undefined;
  /** Chosen negatives. */
  negatives?: Quantiles | undefined;
  /** The matcher's probability that a chosen negative is a match, on any scale. */
  probabilities?: Quantiles | undefined;
};

export class Tally {
  readonly skipped = noneSkipped();
  readonly shortages: Shortage[] = [];
  candidates = 0;
  surplus = 0;
  private readonly scores = new QuantileSketch();

  addRow(row: RankedRow, exclusion: Exclusion): void {
    this.candidates += row.candidates.length;
    if (!row.scores) return;
    for (let i = 0; i < row.candidates.length; i++) {
      if (!exclusion.isGuarded(row.candidates[i]!)) this.scores.add(row.scores[i]!);
    }
  }

  addSelection(anchor: number, { chosen, skipped, surplus }: Selection, k: number): void {
    for (const rule of RULES) this.skipped[rule] += skipped[rule];
    this.surplus += surplus;
    if (chosen.length < k) this.shortages.push({ anchor, got: chosen.length, reason: reasonOf(skipped) });
  }

  /** Number of short anchors by reason. */
  shortageReasons(): Partial<Record<ShortageReason, number>> {
    const reasons: Partial<Record<ShortageReason, number>> = {};
    for (const { reason } of this.shortages) reasons[reason] = (reasons[reason] ?? 0) + 1;
    return reasons;
  }

  quantiles(positives: Iterable<number>, negatives: Iterable<number>, probabilities: Iterable<number>): ScoreQuantiles {
    return {
      candidates: this.scores.summary(),
      positives: summaryOf(positives),
      negatives: summaryOf(negatives),
      probabilities: summaryOf(probabilities),
    };
  }
}

/** The last rule that skipped any; among the rules of scores, the one that skipped most. */
function reasonOf(skipped: Record<Rule, number>): ShortageReason {
  const byScore = (['minScore', 'maxScore', 'absoluteMargin', 'relativeMargin'] as const).toSorted(
    (a, b) => skipped[b] - skipped[a],
  );
  return (['maxUses', byScore[0]!, 'rank', 'guard'] as const).find((rule) => skipped[rule] > 0) ?? 'candidates';
}

export function summaryOf(values: Iterable<number>): Quantiles | undefined {
  const sketch = new QuantileSketch();
  for (const value of values) sketch.add(value);
  return sketch.summary();
}
