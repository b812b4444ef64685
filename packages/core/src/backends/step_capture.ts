/**
 * Work that is recorded once and then run as a whole: a CUDA graph, or a list of ops on the backend `native`. An
 * optional capability that a backend's loader brings along; training, scoring and benchmarks do without it elsewhere.
 *
 * Of a step of training, all shapes are fixed, and so is every number that the step computes with in JavaScript (an
 * alpha, say), but for two that move on with each replay: Adam's step by 1, and the counters of random numbers by
 * `COUNTERS_A_STEP`.
 */
import type * as tf from '@tensorflow/tfjs-core';

/** Elements of an input, or a tensor with them. */
export type InputValues = Float32Array | Int32Array | tf.Tensor;

export interface StepToCapture {
  /** Inputs of each replay: shapes and types by name. */
  inputs: Readonly<Record<string, { shape: number[]; dtype: 'float32' | 'int32' }>>;
  /** Everything that the step changes, as it is when asked, in an order that stays: parameters, statistics, moments. */
  state(): readonly tf.Tensor[];
  /** Enqueues the step and changes the state. @returns scalars by name, such as losses. */
  step(inputs: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Scalar>;
}

export interface CapturedStep {
  /** Bytes of the device's memory that are kept for the replays. */
  readonly bytes: number;
  /** Takes one step: the state changes. Resolves with the scalars of that step; the next may be asked for before. */
  replay(inputs: Readonly<Record<string, InputValues>>): Promise<Record<string, number>>;
  /** Gives the memory back; the state stays as the last replay left it. */
  dispose(): void;
}

/** Captures without running: the first step is the first replay. The state is as before where it throws. */
export type StepCapture = (step: StepToCapture) => CapturedStep;

/** A function of tensors that was recorded for their shapes. What else it reads must stay as it is. */
export interface CapturedFunction {
  /** A new tensor. @param inputs of the shapes and types that it was recorded for. */
  run(...inputs: tf.Tensor[]): tf.Tensor;
  /** Gives the memory back. */
  dispose(): void;
}

/** @returns undefined where the function cannot be recorded: a part runs in JavaScript, say, or it fails. */
export type FunctionCapture = (
  inputs: readonly { shape: number[]; dtype: 'float32' | 'int32' }[],
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
) => CapturedFunction | undefined;
