/** Metrics by place: they show where a matcher fails, and the spread between places. */

import { accuracyOf, confusionAt, fprOf, recallOf, rocAucOf } from './metrics.ts';
import { rank, sweep } from './ranking.ts';
import type { MeasuredPair } from './summary.ts';

export interface PlaceMetrics {
  group: string;
  pairs: number;
  accuracy: number;
  recall: number;
  fpr: number;
  /** NaN where the place has one class. */
  auc: number;
}

/** Measures each place; lowest accuracy first. */
export function measurePlaces(pairs: readonly MeasuredPair[], threshold: number): PlaceMetrics[] {
  const byGroup = new Map<string, MeasuredPair[]>();
  for (const pair of pairs) {
    const group = byGroup.get(pair.group);
    if (group) group.push(pair);
    else byGroup.set(pair.group, [pair]);
  }
  return [...byGroup]
    .map(([group, own]) => measurePlace(group, own, threshold))
    .sort((a, b) => a.accuracy - b.accuracy || (a.group < b.group ? -1 : 1));
}

function measurePlace(group: string, pairs: readonly MeasuredPair[], threshold: number): PlaceMetrics {
  const labels = pairs.map((pair) => pair.label);
  const probabilities = pairs.map((pair) => pair.probability);
  const confusion = confusionAt(probabilities, labels, threshold);
  const scores = pairs.map((pair) => pair.score);
  return {
    group,
    pairs: pairs.length,
    accuracy: accuracyOf(confusion),
    recall: recallOf(confusion),
    fpr: fprOf(confusion),
    auc: rocAucOf(sweep(rank(scores, labels))),
  };
}
