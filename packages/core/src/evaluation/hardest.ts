/** Worst errors of a matcher: the false positives and false negatives to inspect first. */
import type { MeasuredPair } from './summary.ts';

export interface Hardest<Pair> {
  /** Pairs of different places that were called a match, the highest score first. */
  falsePositives: Pair[];
  /** Pairs of the same place that were not called a match, the lowest score first. */
  falseNegatives: Pair[];
}

/** Selects at most `count` pairs of each kind. */
export function hardestOf<Pair extends MeasuredPair>(pairs: readonly Pair[], threshold: number, count: number) {
  const wrong = (label: 0 | 1) =>
    pairs
      .filter((pair) => pair.label === label && pair.probability >= threshold !== (label === 1))
      .sort((a, b) => (label === 0 ? b.score - a.score : a.score - b.score))
      .slice(0, count);
  return { falsePositives: wrong(0), falseNegatives: wrong(1) } satisfies Hardest<Pair>;
}
