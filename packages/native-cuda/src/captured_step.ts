/**
 * Captures a step of training, or a function of tensors, as a graph and replays it. Nothing runs while it is captured:
 * JavaScript walks through it once, and the device notes what is asked of it.
 *
 * tfjs gives new memory to updated values, a graph reads and writes the same addresses each time. So the graph ends by
 * copying the new values of the state to where it read the old ones, and after the capture the state's tensors have
 * those old places again: they hold a valid state before the first replay, after each, and after the graph is disposed
 * of.
 */

import type {
  CapturedFunction,
  CapturedStep,
  FunctionCapture,
  InputValues,
  StepCapture,
  StepToCapture,
} from '@doppel/core/backends';
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
    expected: 'a backend with graphs (cuda, native)',
    found,
    remedy: 'Train without a graph, or choose one of those by --backend.',
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
  const walk = () => {
    const results = tf.tidy(() => step(fixed));
    const scalars = tf.keep(tf.stack(Object.values(results)));
    tf.dispose(results);
    return { names: Object.keys(results), scalars };
  };
  try {
    const { graph, result } = record(backend, held, { walk, countersAStep: COUNTERS_A_STEP, reusesMemory: true });
    const bytes = backend.device.memory().graphs - bytesBefore;
    return new GraphStep(backend, { graph, ...result, fixed, held, bytes });
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

/** Records what `walk` asks of the device. @param walk gives tensors that are kept. */
function record<T extends tf.TensorContainer>(
  backend: AddonBackend,
  held: HeldState,
  { walk, countersAStep, reusesMemory }: { walk: () => T; countersAStep: number; reusesMemory: boolean },
): { graph: number; result: T } {
  const { device } = backend;
  const watch = new CaptureWatch();
  let result: T | undefined;
  device.beginCapture(countersAStep, reusesMemory);
  backend.watch = watch;
  try {
    result = walk();
    if (watch.failure) throw watch.failure;
    const { from, to } = held.renewals();
    return { graph: device.endCapture(from, to), result };
  } catch (cause) {
    if (result) tf.dispose(result);
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
    this.#held.changed();
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
      const found = sizeOf(values);
      if (found.size === size && found.dtype === dtype) continue;
      const expected = `${size} numbers of ${dtype} [${shape}] for the input ${name}`;
      throw refused('inputs', expected, `${found.size} of ${found.dtype}`, remedy);
    }
  }

  /** Copies into a separate buffer while the last replay computes; the device then copies it to the graph's input. */
  #fill(tensor: tf.Tensor, values: InputValues): void {
    const { device, transfers } = this.#backend;
    const memory = this.#backend.memoryOf(tensor);
    const to = memory.buffer;
    memory.changed();
    if (values instanceof tf.Tensor) {
      copy(this.#backend, tensor, this.#backend.memoryOf(values).buffer, to);
      return;
    }
    const arrived = device.hold(values);
    transfers.up += values.byteLength;
    copy(this.#backend, tensor, arrived, to);
    device.release(arrived);
  }
}

function sizeOf(values: InputValues): { size: number; dtype: string } {
  if (values instanceof tf.Tensor) return values;
  return { size: values.length, dtype: values instanceof Int32Array ? 'int32' : 'float32' };
}

/** Copies the elements of a buffer, as many as the tensor has. */
function copy({ device }: AddonBackend, { dtype, size }: tf.Tensor, from: number, to: number): void {
  device.run('strided_copy', {
    ...{ dtype, dims: [size], xStrides: [1], yStrides: [1], xFrom: 0, yFrom: 0 },
    ...{ x: from, y: to },
  });
}

/** Makes the recorder of functions that the backend's loader hands out. */
export const recorderOf =
  (backend: AddonBackend): FunctionCapture =>
  (inputs, f) => {
    if (backend.watch) return undefined;
    const held = new HeldState(backend, () => []);
    const fixed = inputs.map(({ shape, dtype }) => tf.keep(tf.zeros(shape, dtype)));
    const walk = () => tf.keep(tf.tidy(() => f(...fixed)));
    try {
      const { graph, result } = record(backend, held, { walk, countersAStep: 0, reusesMemory: false });
      return new GraphFunction(backend, graph, fixed, result);
    } catch (cause) {
      tf.dispose(fixed);
      if (cause instanceof GraphError) return undefined;
      throw cause;
    }
  };

class GraphFunction implements CapturedFunction {
  readonly #backend: AddonBackend;
  readonly #graph: number;
  readonly #fixed: readonly tf.Tensor[];
  readonly #result: tf.Tensor;

  constructor(backend: AddonBackend, graph: number, fixed: readonly tf.Tensor[], result: tf.Tensor) {
    this.#backend = backend;
    this.#graph = graph;
    this.#fixed = fixed;
    this.#result = result;
  }

  run(...inputs: tf.Tensor[]): tf.Tensor {
    this.#check(inputs);
    const bufferOf = (tensor: tf.Tensor) => this.#backend.memoryOf(tensor).buffer;
    for (const [i, tensor] of this.#fixed.entries())
      copy(this.#backend, tensor, bufferOf(inputs[i]!), bufferOf(tensor));
    this.#backend.device.replay(this.#graph);
    const { shape, dtype } = this.#result;
    const made = tf.engine().makeTensorFromTensorInfo(this.#backend.makeTensorInfo(shape, dtype));
    copy(this.#backend, made, bufferOf(this.#result), bufferOf(made));
    return made;
  }

  #check(inputs: readonly tf.Tensor[]): void {
    if (this.#result.isDisposed) throw refused('step', 'a function', 'one that was disposed of', 'Record it again.');
    const describe = (tensors: readonly tf.Tensor[]) =>
      tensors.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(', ');
    const [expected, found] = [describe(this.#fixed), describe(inputs)];
    if (expected !== found) throw refused('inputs', expected, found, 'Record another function for other shapes.');
  }

  dispose(): void {
    if (this.#result.isDisposed) return;
    tf.dispose([this.#result, ...this.#fixed]);
    this.#backend.device.releaseGraph(this.#graph);
  }
}

const refused = (reason: GraphReason, expected: string, found: string, remedy: string) =>
  new GraphError({ reason, action: 'replay the step', expected, found, remedy });

function mapValues<A, B>(values: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
