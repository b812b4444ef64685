/** `--graph` of the benchmarks: times a training step replayed as a graph and the same step without, in turn. */

import type { CapturedStep, InputValues, SelectedBackend, StepCapture } from '@doppel/core/backends';
import { UsageError } from '@doppel/core/errors';

import * as tf from '@tensorflow/tfjs-core';
import { yes } from './flags.ts';
import { type Timing, timeInTurn, transfersOf } from './timing.ts';

export const GRAPH_FLAG = {
  graph: yes('Also time the training step as a graph, and without, batch and losses copied'),
};

export interface GraphBench {
  /** Each step copies the batch to the device and reads the losses, with the graph and without. */
  stepsPerSecond: { plain: number; graph: number };
  plain: Timing;
  graph: Timing;
  /** Bytes that the graph keeps on the device. */
  bytes: number;
  transfers: { up: number; down: number };
}

/**
 * @param plain one step without the graph, on a separate state.
 * @throws UsageError if the backend has no graphs.
 */
export async function benchGraph(
  { name, captureStep }: SelectedBackend,
  inputs: Record<string, InputValues>,
  plain: () => Promise<unknown>,
  capture: (captureStep: StepCapture) => CapturedStep,
  repeats: number,
): Promise<GraphBench> {
  if (!captureStep) {
    throw new UsageError({
      action: 'use --graph',
      expected: 'a backend with graphs: cuda or native',
      found: name,
      remedy: 'Leave --graph out, or see `doppel doctor` for these backends.',
    });
  }
  const step = capture(captureStep);
  const replay = () => step.replay(inputs);
  try {
    const timings = await timeInTurn({ plain, graph: replay }, repeats);
    const transfers = await transfersOf(tf.backend(), replay);
    const rate = ({ median }: Timing) => 1000 / median;
    const stepsPerSecond = { plain: rate(timings.plain), graph: rate(timings.graph) };
    return { stepsPerSecond, ...timings, bytes: step.bytes, transfers };
  } finally {
    step.dispose();
  }
}

export const graphText = ({ stepsPerSecond: { plain, graph }, bytes }: GraphBench): string =>
  `as a graph     ${graph.toFixed(2)} steps/s, ${plain.toFixed(2)} without  (keeps ${(bytes / 1e6).toFixed(1)} MB)`;
