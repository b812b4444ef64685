/** Scores of a matcher on the test sets, and what they come to. */
import type { Model } from '@doppel/core';
import { scorePairs } from '@doppel/core/matcher';
import { sampleOf } from './arm_sample.ts';
import { type Cell, roundScores } from './cell.ts';
import { type Estimates, estimates, resample } from './compare.ts';
import type { TestSets } from './test_sets.ts';

export type ScoredTestSets = Pick<Cell, 'positives' | 'sets' | 'calibration'>;

export interface ScoringWatch {
  signal?: AbortSignal | undefined;
  /** Pairs scored so far. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Pairs that are scored together. */
const BATCH = 64;

/** @throws the signal's reason when it is aborted. */
export async function scoreTestSets(
  { info, scorer }: Pick<Model, 'info' | 'scorer'>,
  tests: TestSets,
  { signal, onProgress }: ScoringWatch = {},
): Promise<ScoredTestSets> {
  const references = [
    ...tests.positives.map((record) => ({ sar: record, optical: record })),
    ...tests.sets.flatMap(({ negatives }) => negatives.map(({ of, sar }) => ({ sar, optical: tests.positives[of]! }))),
  ];
  const scores = await scorePairs(references, {
    ...{ scorer, patches: tests.patches, shape: info, batch: BATCH, signal },
    onProgress: (done) => onProgress?.(done, references.length),
  });
  let next = tests.positives.length;
  const take = (count: number) => {
    next += count;
    return roundScores(scores.subarray(next - count, next));
  };
  const sets = tests.sets.map(({ name, negatives }) => [
    name,
    { of: negatives.map(({ of }) => of), scores: take(negatives.length) },
  ]);
  return {
    positives: roundScores(scores.subarray(0, tests.positives.length)),
    sets: Object.fromEntries(sets),
    calibration: info.calibration,
  };
}

/** Metrics of a matcher by test set, with 95 % intervals over places. */
export function measureTestSets(
  scored: ScoredTestSets,
  { places, placeOf }: Pick<TestSets, 'places' | 'placeOf'>,
  { resamples, seed }: { resamples: number; seed: number },
): Record<string, Estimates> {
  const measured = Object.keys(scored.sets).map((set) => {
    const sample = sampleOf({ ...scored, placeOf, seed }, set);
    return [set, estimates(resample([sample], [seed], places.length, { resamples, seed }), places.length)];
  });
  return Object.fromEntries(measured);
}
