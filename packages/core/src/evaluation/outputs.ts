/** An evaluation as data: one JSON object for programs, one CSV line for each pair. */

import type { PairRecord } from '../dataset/dataset.ts';
import { probabilityOf } from '../matcher/calibration.ts';
import type { Evaluation } from './evaluate.ts';
import { measurePlaces } from './places.ts';
import { intervalsOf, METRIC_NAMES } from './summary.ts';

/**
 * Metrics by name, with their intervals and sample. An undefined metric is null, an undefined interval is left out.
 * Thresholds are probabilities.
 */
export function evaluationJson(evaluation: Evaluation) {
  const { summary, calibration, search, split, seed, negativesPerPositive, shortage } = evaluation;
  const orNull = (value: number) => (Number.isNaN(value) ? null : value);
  const metrics = Object.fromEntries(METRIC_NAMES.map((name) => [name, orNull(summary.metrics[name])]));
  const { resamples, level } = summary.bootstrap;
  return {
    pairs: summary.pairs,
    places: summary.places,
    ...metrics,
    intervals: intervalsOf(summary),
    positives: summary.positives,
    negatives: summary.negatives,
    ...calibration,
    confusion: summary.confusion,
    operatingPoints: summary.operatingPoints.map(({ threshold, ...point }) => ({
      ...point,
      threshold: threshold === null ? null : probabilityOf(threshold, calibration),
    })),
    reliability: summary.reliability.map((bin) => ({
      ...bin,
      predicted: orNull(bin.predicted),
      observed: orNull(bin.observed),
    })),
    byPlace: measurePlaces(evaluation.pairs, calibration.threshold).map(({ group, pairs, ...measured }) => ({
      group,
      pairs,
      ...Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, orNull(value)])),
    })),
    search,
    bootstrap: { resamples, level },
    split,
    seed,
    negativesPerPositive,
    shortage,
  };
}

/** A header and a line for each pair, in the order of the evaluation. Lines end in a newline. */
export function scoresCsv({ pairs, calibration }: Evaluation, records: readonly PairRecord[]): string {
  const lines = pairs.map(({ sarIndex, opticalIndex, label, provenance, score, probability }) => {
    const [sar, optical] = [records[sarIndex]!, records[opticalIndex]!];
    const match = probability >= calibration.threshold;
    const cells = [sar.id, optical.id, sar.group, optical.group, label, provenance, score, probability, match];
    return cells.map((cell) => quote(String(cell))).join(',');
  });
  return `sar,optical,sar_place,place,label,provenance,score,probability,match\n${lines.join('\n')}\n`;
}

/** RFC 4180: quotes where a cell holds a separator, a quote or a line break. */
function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
