/**
 * A device of the addon as tfjs backend: kernels of the addon, and tfjs's JavaScript kernels for the rest, on tensors
 * whose memory is the device's. Every kernel that fell back is counted by name.
 */
import { DoppelError } from '@doppel/core/errors';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Device, Field } from './addon.ts';
import type { CaptureWatch } from './graph_error.ts';
import { bytesOf, isNumeric, TensorBuffer, type Transfers } from './tensor_buffer.ts';

/** An op of the addon that failed; the message names op, shapes and cause. */
export class NativeOpError extends DoppelError {
  readonly tag = 'native op';
  readonly op: string;
  constructor(op: string, shapes: string, cause: unknown) {
    super({
      action: `run the native op ${op} on ${shapes}`,
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
    this.op = op;
  }
}

export interface OutputSpec {
  shape: number[];
  dtype: tf.DataType;
}

/** Tensors by the names of an op's fields: null is one that is absent, or an output that is not wanted. */
type Named<T> = Readonly<Record<string, T | null | undefined | readonly T[]>>;

const describe = ({ shape, dtype }: OutputSpec) => `${dtype}[${shape.join('×')}]`;

function describeAll(named: Named<OutputSpec>): string {
  const texts = Object.entries(named).flatMap(([name, each]) => {
    const list = (Array.isArray(each) ? each : [each]) as readonly (OutputSpec | null | undefined)[];
    return list.map((one) => `${name} ${one ? describe(one) : 'none'}`);
  });
  return texts.join(', ') || 'nothing';
}

/** Rounding of the factors of convolutions and matrix products; sums are always fp32. */
export type Precision = 'fp32' | 'tf32' | 'bf16';

type Attributes = Readonly<Record<string, Field>>;

/** `change` of each; null for those that are absent. */
function mapNamed<A, B>(named: Named<A>, change: (value: A) => B): Named<B> {
  const changed: Record<string, B | null | B[]> = {};
  for (const name in named) {
    const value = named[name];
    if (Array.isArray(value)) changed[name] = (value as readonly A[]).map(change);
    else changed[name] = value ? change(value as A) : null;
  }
  return changed;
}

let nextId = 0;

export class AddonBackend extends MathBackendCPU {
  device: Device;
  /**
   * Precision of convolutions without gradients. `bf16` has a relative error of about 3e-3 a layer, `tf32` of 3e-4.
   */
  precision: Precision = 'fp32';
  /** Precision of all other convolutions and matrix products, gradients among them. */
  tracedPrecision: Precision = 'fp32';
  /**
   * True: convolutions with gradients round as little as a plain sum, since an activation that rounding moves across a
   * kink changes the gradient. False: they may use Winograd, as scoring does: still fp32, to 1e-6.
   */
  exactForward = true;
  /** Runs of each kernel in JavaScript instead. */
  readonly fallbacks = new Map<string, number>();
  readonly transfers: Transfers = { up: 0, down: 0 };
  /** Watch of the current capture; undefined outside one. */
  watch: CaptureWatch | undefined;

  constructor(device: Device) {
    super();
    this.device = device;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = { id: nextId++ };
    this.keep(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType, refCount: number): void {
    this.keep(dataId, values, shape, dtype, refCount);
  }

  /** Copies values into the device's memory at once: the caller may reuse its array. */
  private keep(
    dataId: object,
    values: tf.BackendValues | undefined,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    const entry = new TensorBuffer(this.device, this, dtype, tf.util.sizeFromShape(shape), values ?? undefined);
    entry.refCount = refCount;
    if (values && isNumeric(dtype)) void entry.buffer;
    this.data.set(dataId, entry as Parameters<typeof this.data.set>[1]);
  }

  override readSync(dataId: object): tf.BackendValues {
    const entry = this.entry(dataId);
    if (!isNumeric(entry.dtype)) return super.readSync(dataId);
    return entry.isOnDevice ? entry.copyOut() : (entry.values as tf.BackendValues);
  }

  override async read(dataId: object): Promise<tf.BackendValues> {
    const entry = this.entry(dataId);
    return isNumeric(entry.dtype) && entry.isOnDevice ? entry.readOut() : this.readSync(dataId);
  }

  override disposeData(dataId: object, force = false): boolean {
    const entry = this.data.has(dataId) ? this.entry(dataId) : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone) entry?.release();
    return gone;
  }

  /** Adds the bytes of the device's memory that tensors use (`nativeBytes`), that the pool holds
   * with those for reuse (`poolBytes`), and that captured steps keep (`graphBytes`). */
  override memory() {
    const { inUse, held, buffers, graphs } = this.device.memory();
    const bytes = { nativeBytes: inUse, poolBytes: held, graphBytes: graphs, nativeBuffers: buffers };
    return { unreliable: false, reasons: [], ...bytes } as {
      unreliable: boolean;
      reasons: string[];
    };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override dispose(): void {
    this.device.trim();
  }

  /**
   * Runs an op of the addon. Inputs, outputs and attributes are the fields of its struct, by name.
   *
   * @returns the outputs that are wanted, in their order.
   */
  run(
    op: string,
    inputs: Named<tf.TensorInfo>,
    outputs: Named<OutputSpec>,
    ...attributes: Attributes[]
  ): tf.TensorInfo[] {
    const made: tf.TensorInfo[] = [];
    const make = ({ shape, dtype }: OutputSpec) => {
      made.push(this.makeTensorInfo(shape, dtype));
      return made.at(-1)!;
    };
    try {
      this.runInto(op, inputs, mapNamed(outputs, make), ...attributes);
    } catch (cause) {
      for (const info of made) this.disposeData(info.dataId, true);
      throw cause;
    }
    return made;
  }

  /** Like `run`, into existing tensors. */
  runInto(op: string, inputs: Named<tf.TensorInfo>, outputs: Named<tf.TensorInfo>, ...attributes: Attributes[]): void {
    const bufferOf = (info: tf.TensorInfo) => this.entry(info.dataId).buffer;
    const fieldOf = (name: string): Field | undefined => {
      const tensors = name in inputs ? inputs : name in outputs ? outputs : undefined;
      if (!tensors) return attributes.find((part) => name in part)?.[name];
      const tensor = tensors[name];
      if (!tensor) return null;
      return Array.isArray(tensor)
        ? (tensor as readonly tf.TensorInfo[]).map(bufferOf)
        : bufferOf(tensor as tf.TensorInfo);
    };
    try {
      this.device.runBy(op, fieldOf);
    } catch (cause) {
      throw new NativeOpError(op, `${describeAll(inputs)} → ${describeAll(outputs)}`, cause);
    }
  }

  /** The same memory under another shape. */
  view(x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
    this.incRef(x.dataId);
    return { dataId: x.dataId, shape, dtype: x.dtype };
  }

  countFallback(kernelName: string): void {
    this.watch?.refuse('fallback', `the kernel ${kernelName} in JavaScript`);
    this.fallbacks.set(kernelName, (this.fallbacks.get(kernelName) ?? 0) + 1);
  }

  bytes(info: tf.TensorInfo): number {
    return bytesOf(tf.util.sizeFromShape(info.shape), info.dtype);
  }

  /** Replaces the values of a float32 tensor by their sums over the processes whose devices have joined this one. */
  allReduce(tensor: tf.TensorInfo): void {
    this.device.allReduce(this.entry(tensor.dataId).buffer, tf.util.sizeFromShape(tensor.shape));
  }

  memoryOf(tensor: tf.TensorInfo): TensorBuffer {
    return this.entry(tensor.dataId);
  }

  private entry(dataId: object): TensorBuffer {
    return this.data.get(dataId) as TensorBuffer;
  }
}
