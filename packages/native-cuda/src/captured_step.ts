/**
 * Captures a step of training as a CUDA graph and replays it. Nothing runs while it is captured: JavaScript walks
 * through the step once, and the device notes the launches.
 *
 * tfjs gives new memory to updated values, a graph reads and writes the same addresses each time. So the graph ends by
 * copying the new values of the state to where it read the old ones, and after the capture the state's tensors have
 * those old places again: they hold a valid state before the first replay, after each, and after the graph is disposed
 * of.
 */

import type { CapturedStep, InputValues, StepCapture, StepToCapture } from '@doppel/core/backends';
import { COUNTERS_A_STEP } from '@doppel/core/base';
import { reasonOf } from '@doppel/core/errors';
import * as tf from '@tensorflow/tfjs-core';
import { AddonBackend } from './backend.ts';
import { CaptureWatch, GraphError, type GraphReason } from './graph_error.ts';
import { HeldState } from './held_state.ts';

/** @throws GraphError, and the state is as it was before. */
export function captureStep(backend: unknown, step: StepToCapture): CapturedStep {
  const isCurrent = backend === tf.backend();
  if (isCurrent && backend instanceof AddonBackend && backend.device.hasGraphs) return capture(backend, step);
  const found = !isCurrent
    ? 'another than the current one'
    : backend instanceof AddonBackend
      ? `the device ${backend.device.name}`
      : 'a backend without the addon';
  throw new GraphError({
    reason: 'backend',
    action: 'capture the step',
    expected: 'a backend with graphs (cuda)',
    found,
    remedy: 'Train without a graph, or choose --backend cuda.',
  });
}

/** Makes the capturer that the backend's loader hands out. */
export const capturerOf =
  (backend: AddonBackend): StepCapture =>
  (step) =>
    captureStep(backend, step);

function capture(backend: AddonBackend, { inputs, state, step }: StepToCapture): CapturedStep {
  const held = new HeldState(backend, state);
  const fixed = mapValues(inputs, ({ shape, dtype }) => tf.keep(tf.zeros(shape, dtype)));
  const { graphs: bytesBefore } = backend.device.memory();
  try {
    const recorded = record(backend, held, () => step(fixed));
    const bytes = backend.device.memory().graphs - bytesBefore;
    return new GraphStep(backend, { ...recorded, fixed, held, bytes });
  } catch (cause) {
    held.dispose();
    tf.dispose(fixed);
    throw cause;
  }
}

interface Recorded {
  graph: number;
  names: string[];
  scalars: tf.Tensor;
}

function record(backend: AddonBackend, held: HeldState, step: () => Record<string, tf.Scalar>): Recorded {
  const { device } = backend;
  const watch = new CaptureWatch();
  let scalars: tf.Tensor | undefined;
  device.beginCapture(COUNTERS_A_STEP);
  backend.watch = watch;
  try {
    const results = tf.tidy(step);
    const names = Object.keys(results);
    scalars = tf.keep(tf.stack(Object.values(results)));
    tf.dispose(results);
    if (watch.failure) throw watch.failure;
    const { from, to } = held.renewals();
    return { graph: device.endCapture(from, to), names, scalars };
  } catch (cause) {
    scalars?.dispose();
    abandon(backend);
    if (watch.failure ?? cause instanceof GraphError) throw watch.failure ?? cause;
    throw new GraphError({ reason: 'step', action: 'capture the step', found: reasonOf(cause), cause });
  } finally {
    backend.watch = undefined;
    held.restore();
  }
}

/** Abandons a capture; a lost device fails again here, but the first error is the one to throw. */
function abandon({ device }: AddonBackend): void {
  try {
    device.abandonCapture();
  } catch (cause) {
    if (!/\blost\b/.test(reasonOf(cause))) throw cause;
  }
}

class GraphStep implements CapturedStep {
  readonly bytes: number;
  readonly #backend: AddonBackend;
  readonly #graph: number;
  readonly #names: string[];
  readonly #scalars: tf.Tensor;
  readonly #fixed: Record<string, tf.Tensor>;
  readonly #held: HeldState;
  #disposed = false;

  constructor(
    backend: AddonBackend,
    {
      graph,
      names,
      scalars,
      fixed,
      held,
      bytes,
    }: Recorded & Pick<GraphStep, 'bytes'> & { fixed: Record<string, tf.Tensor>; held: HeldState },
  ) {
    this.#backend = backend;
    this.#graph = graph;
    this.#names = names;
    this.#scalars = scalars;
    this.#fixed = fixed;
    this.#held = held;
    this.bytes = bytes;
  }

  async replay(inputs: Readonly<Record<string, InputValues>>): Promise<Record<string, number>> {
    if (this.#disposed) throw refused('step', 'a graph', 'one that was disposed of', 'Capture the step again.');
    this.#check(inputs);
    this.#held.check();
    for (const [name, tensor] of Object.entries(this.#fixed)) this.#fill(tensor, inputs[name]!);
    this.#backend.device.replay(this.#graph);
    const values = await this.#scalars.data();
    return Object.fromEntries(this.#names.map((name, i) => [name, values[i]!]));
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    tf.dispose([this.#scalars, this.#fixed]);
    this.#held.dispose();
    this.#backend.device.releaseGraph(this.#graph);
  }

  #check(inputs: Readonly<Record<string, InputValues>>): void {
    const remedy = 'Capture another step for another shape.';
    const names = Object.keys(this.#fixed);
    const given = Object.keys(inputs);
    if (given.length !== names.length || !names.every((name) => inputs[name]))
      throw refused('inputs', `the inputs ${names.join(', ')}`, given.join(', ') || 'none', remedy);
    for (const [name, { size, shape, dtype }] of Object.entries(this.#fixed)) {
      const values = inputs[name]!;
      const type = values instanceof Int32Array ? 'int32' : 'float32';
      if (values.length === size && type === dtype) continue;
      const expected = `${size} numbers of ${dtype} [${shape}] for the input ${name}`;
      throw refused('inputs', expected, `${values.length} of ${type}`, remedy);
    }
  }

  /** Copies into a separate buffer while the last replay computes; the device then copies it to the graph's input. */
  #fill(tensor: tf.Tensor, values: InputValues): void {
    const { device, transfers } = this.#backend;
    const arrived = device.hold(values);
    transfers.up += values.byteLength;
    const walk = { dims: [tensor.size], xStrides: [1], yStrides: [1], xFrom: 0, yFrom: 0 };
    const { buffer } = this.#backend.memoryOf(tensor);
    device.run('strided_copy', { dtype: tensor.dtype, ...walk, x: arrived, y: buffer });
    device.release(arrived);
  }
}

const refused = (reason: GraphReason, expected: string, found: string, remedy: string) =>
  new GraphError({ reason, action: 'replay the step', expected, found, remedy });

function mapValues<A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
