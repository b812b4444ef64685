/**
 * Linear probe: separability of two sets of features by a plane: ridge regression on the labels ±1, tested on held-out
 * folds. AUC 0.5: no linear function of the features separates the sets; 1: they are fully separable.
 */

import { Rng } from '../base/random.ts';
import { rocAuc } from './metrics.ts';

export interface ProbeSample {
  features: ArrayLike<number>;
  label: 0 | 1;
  /**
   * Samples of one group are never in both training and test of a fold: such as a patch and its reconstruction, or a
   * place.
   */
  group: string;
}

export interface ProbeOptions {
  /** Default 5; fewer where there are fewer groups. */
  folds?: number;
  /** λ, for features of unit variance. Default 1e-2 a sample. */
  ridge?: number;
  seed?: number;
}

/** Mean AUC over the folds, weighted by their samples; NaN where no fold has both labels on both sides. */
export function probeAuc(samples: readonly ProbeSample[], options: ProbeOptions = {}): number {
  const { folds: wanted = 5, ridge = 1e-2, seed = 1 } = options;
  const groups = Rng.derive(seed, 'probe folds').shuffle([...new Set(samples.map(({ group }) => group))].sort());
  const folds = Math.min(wanted, groups.length);
  const foldOf = new Map(groups.map((group, i) => [group, i % folds]));
  let [sum, weight] = [0, 0];
  for (let fold = 0; fold < folds && folds > 1; fold++) {
    const test = samples.filter(({ group }) => foldOf.get(group) === fold);
    const train = samples.filter(({ group }) => foldOf.get(group) !== fold);
    if (![test, train].every(hasBoth)) continue;
    const score = fit(train, ridge);
    sum +=
      test.length *
      rocAuc(
        test.map(score),
        test.map(({ label }) => label),
      );
    weight += test.length;
  }
  return sum / weight;
}

/** AUC of a probe that is fitted to some samples, on others. */
export function probeBetween(
  taught: readonly ProbeSample[],
  asked: readonly ProbeSample[],
  { ridge = 1e-2 }: Pick<ProbeOptions, 'ridge'> = {},
): number {
  return rocAuc(
    asked.map(fit(taught, ridge)),
    asked.map(({ label }) => label),
  );
}

const hasBoth = (samples: readonly ProbeSample[]) => new Set(samples.map(({ label }) => label)).size === 2;

/** w of minimal ‖Xw − y‖² + n·λ‖w‖², X standardised by the training samples, each label counting half. */
function fit(samples: readonly ProbeSample[], ridge: number): (sample: ProbeSample) => number {
  const d = samples[0]!.features.length;
  const { mean, scale } = standardiser(samples, d);
  const row = ({ features }: ProbeSample) =>
    Float64Array.from({ length: d }, (_, j) => (features[j]! - mean[j]!) * scale[j]!);
  const positives = samples.filter(({ label }) => label === 1).length;
  const gram = Array.from({ length: d }, () => new Float64Array(d));
  const target = new Float64Array(d);
  for (const sample of samples) {
    const x = row(sample);
    const weight = 1 / (sample.label === 1 ? positives : samples.length - positives);
    const y = sample.label === 1 ? 1 : -1;
    for (let i = 0; i < d; i++) {
      target[i]! += weight * x[i]! * y;
      const gramRow = gram[i]!;
      for (let j = 0; j <= i; j++) gramRow[j]! += weight * x[i]! * x[j]!;
    }
  }
  for (let i = 0; i < d; i++) gram[i]![i]! += 2 * ridge;
  const w = solve(gram, target);
  return (sample) => row(sample).reduce((sum, value, j) => sum + value * w[j]!, 0);
}

function standardiser(samples: readonly ProbeSample[], d: number) {
  const mean = new Float64Array(d);
  const squares = new Float64Array(d);
  for (const { features } of samples) for (let j = 0; j < d; j++) mean[j]! += features[j]! / samples.length;
  for (const { features } of samples) for (let j = 0; j < d; j++) squares[j]! += (features[j]! - mean[j]!) ** 2;
  // A constant feature carries no information.
  const scale = squares.map((square) => (square > 0 ? 1 / Math.sqrt(square / samples.length) : 0));
  return { mean, scale };
}

/** A·w = b for a symmetric positive definite A, of which the lower triangle is given (Cholesky; A is overwritten). */
function solve(a: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i]![j]!;
      for (let k = 0; k < j; k++) sum -= a[i]![k]! * a[j]![k]!;
      a[i]![j] = i === j ? Math.sqrt(sum) : sum / a[j]![j]!;
    }
  }
  const w = b.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) w[i]! -= a[i]![k]! * w[k]!;
    w[i]! /= a[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) w[i]! -= a[k]![i]! * w[k]!;
    w[i]! /= a[i]![i]!;
  }
  return w;
}
