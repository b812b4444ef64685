/**
 * A device of the addon as tfjs backend: kernels of the addon, and tfjs's JavaScript kernels for the rest, on tensors whose
 * memory is the device's. Every kernel that fell back is counted by name.
 */
import { DoppelError } from '@doppel/core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Device } from './addon.ts';
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

const describe = ({ shape, dtype }: OutputSpec) => `${dtype}[${shape.join('×')}]`;

/** What the factors of convolutions and matrix products are rounded to; sums are fp32 always. */
export type Precision = 'fp32' | 'tf32' | 'bf16';

export class AddonBackend extends MathBackendCPU {
  device: Device;
  /**
   * Of convolutions where no gradient follows. `bf16` has a relative error of about 3e-3 a layer, `tf32` of 3e-4.
   */
  precision: Precision = 'fp32';
  /** Of all other convolutions and matrix products, gradients among them. */
  tracedPrecision: Precision = 'fp32';
  /**
   * Whether convolutions that a gradient follows round as little as a plain sum does: an activation that rounding moves to the
   * other side of a kink moves the gradient with it. Otherwise they may go by Winograd, as scoring does: still fp32, to 1e-6.
   */
  exactForward = true;
  /** How often each kernel ran in JavaScript instead. */
  readonly fallbacks = new Map<string, number>();
  readonly transfers: Transfers = { up: 0, down: 0 };
  /** While a step is captured. */
  watch: CaptureWatch | undefined;

  constructor(device: Device) {
    super();
    this.device = device;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = { id: this.nextId() };
    this.keep(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType, refCount: number): void {
    this.keep(dataId, values, shape, dtype, refCount);
  }

  /** Copied into the device's memory at once: the caller may write to its array again. */
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
    this.data.set(dataId, entry as never);
  }

  private nextId(): number {
    return (MathBackendCPU as unknown as { nextDataId: number }).nextDataId++;
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

  /** With the bytes of the device's memory that tensors use (`nativeBytes`), that the pool holds
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

  /** Runs an op of the addon on tensors; `null` marks an input that is absent, or an output that is not wanted. */
  run(
    op: string,
    inputs: readonly (tf.TensorInfo | null | undefined)[],
    outputs: readonly (OutputSpec | null)[],
    attributes: object,
  ): tf.TensorInfo[] {
    const made: tf.TensorInfo[] = [];
    try {
      const to = outputs.map((spec) => {
        if (!spec) return null;
        made.push(this.makeTensorInfo(spec.shape, spec.dtype));
        return made.at(-1)!;
      });
      this.runInto(op, inputs, to, attributes);
    } catch (cause) {
      for (const info of made) this.disposeData(info.dataId, true);
      throw cause;
    }
    return made;
  }

  /** Like `run`, into tensors that there are already. */
  runInto(
    op: string,
    inputs: readonly (tf.TensorInfo | null | undefined)[],
    outputs: readonly (tf.TensorInfo | null)[],
    attributes: object,
  ): void {
    try {
      const bufferOf = (info: tf.TensorInfo | null | undefined) => (info ? this.entry(info.dataId).buffer : null);
      this.device.run(op, inputs.map(bufferOf), outputs.map(bufferOf), attributes);
    } catch (cause) {
      const shapes = inputs.map((input) => (input ? describe(input) : 'none')).join(', ');
      const results = outputs.map((output) => (output ? describe(output) : 'none')).join(', ');
      throw new NativeOpError(op, `${shapes || 'nothing'} → ${results}`, cause);
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

  memoryOf(tensor: tf.TensorInfo): TensorBuffer {
    return this.entry(tensor.dataId);
  }

  private entry(dataId: object): TensorBuffer {
    return this.data.get(dataId) as unknown as TensorBuffer;
  }
}
