/** Kinds of reference cases: their inputs and outputs. */
import type * as tf from '@tensorflow/tfjs-core';

export interface CaseInputs {
  get<T extends tf.Tensor>(name: string): T;
  has(name: string): boolean;
  names(): string[];
  tensors(): tf.Tensor[];
}

export type Settings = Record<string, unknown>;
export type Outputs = Record<string, tf.Tensor>;

export interface CaseKind {
  /** True for a whole model, which has the wider tolerance. */
  isModel?: boolean;
  run(inputs: CaseInputs, settings: Settings): Outputs;
}
