/** Moments of Adam: initial values, updates and their form in checkpoints. */
import * as tf from '@tensorflow/tfjs-core';
import { type AdamHyperparameters, adam } from '../ops/ops.ts';
import { tensorsOf, type Values, valuesOf } from './values.ts';

/** Optimiser moments by parameter: moving means of the gradients and of their squares. */
export interface Moments {
  first: Map<string, tf.Tensor>;
  second: Map<string, tf.Tensor>;
}

/** Moments as a checkpoint holds them. */
export interface MomentValues {
  first: ReadonlyMap<string, Values>;
  second: ReadonlyMap<string, Values>;
}

type Named<T extends tf.Tensor> = readonly (readonly [name: string, tensor: T])[];

export function zeroMomentsOf(parameters: Named<tf.Tensor>): Moments {
  const zeros = () => new Map(parameters.map(([name, { shape }]) => [name, tf.zeros(shape) as tf.Tensor]));
  return { first: zeros(), second: zeros() };
}

export const momentsFrom = ({ first, second }: MomentValues): Moments => ({
  first: tensorsOf(first),
  second: tensorsOf(second),
});

export const momentValues = async ({ first, second }: Moments) => ({
  first: await valuesOf(first),
  second: await valuesOf(second),
});

/** All tensors, in a fixed order. */
export const momentTensors = ({ first, second }: Moments): tf.Tensor[] => [...first.values(), ...second.values()];

/**
 * Updates parameters and moments by one step of Adam.
 *
 * @param gradients of all parameters, by name. @param options with the step from 0, and perhaps a factor of the rate.
 */
export function adamStep(
  parameters: Named<tf.Variable>,
  gradients: tf.NamedTensorMap,
  { first, second }: Moments,
  { step, ...hyperparameters }: AdamHyperparameters & { step: number; rate?: tf.Scalar },
): void {
  tf.tidy(() => {
    const updated = adam({
      parameters: parameters.map(([, variable]) => variable),
      gradients: parameters.map(([name]) => gradients[name]!),
      first: parameters.map(([name]) => first.get(name)!),
      second: parameters.map(([name]) => second.get(name)!),
      step: step + 1,
      ...hyperparameters,
    });
    parameters.forEach(([name, variable], i) => {
      variable.assign(updated.parameters[i]!);
      replace(first, name, updated.first[i]!);
      replace(second, name, updated.second[i]!);
    });
  });
}

function replace(moments: Map<string, tf.Tensor>, name: string, value: tf.Tensor): void {
  moments.get(name)!.dispose();
  moments.set(name, tf.keep(value));
}
