/** Error of a case's value and gradients on one backend against those on another. */
import * as tf from '@tensorflow/tfjs-core';
import { relativeError, relativeErrorOfSums } from '../../../packages/core/src/base/tolerance.ts';
import { type CaseValues, type OpCase, runCase } from '../../../packages/core/src/ops/cases.ts';

/** Of a convolution, the sums of its terms' magnitudes. */
export const magnitudesOf = (each: OpCase, seed: number): CaseValues => runCase(each, seed, (drawn) => tf.abs(drawn));

/** The worst of value and gradients; by {@link relativeErrorOfSums} where magnitudes are given. */
export function caseError(actual: CaseValues, expected: CaseValues, magnitudes?: CaseValues): number {
  const list = ({ value, gradients }: CaseValues) => [value, ...gradients];
  const scales = magnitudes && list(magnitudes);
  const errors = list(expected).map((values, i) => {
    const got = list(actual)[i]!;
    return scales ? relativeErrorOfSums(got, values, scales[i]!) : relativeError(got, values);
  });
  return Math.max(...errors);
}
