/**
 * The memory of one tensor: a buffer of the device, a JavaScript array, or both. Each side is made when it is first
 * asked for, so that chained kernels of the addon copy nothing and a kernel of the backend `cpu` still finds its
 * `values`.
 */
import type { backend_util, DataType } from '@tensorflow/tfjs-core';
import type { Device } from './addon.ts';
import type { CaptureWatch } from './graph_error.ts';

type Values = backend_util.TypedArray | Uint8Array[];

/** Copies between JavaScript's memory and the device's, in bytes; tests and benches read them. */
export interface Transfers {
  up: number;
  down: number;
}

/** Listener that is notified of each copy, and may refuse it. */
export interface CopyCounter {
  readonly transfers: Transfers;
  readonly watch: CaptureWatch | undefined;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
type NumericType = keyof typeof ARRAYS;

export const isNumeric = (dtype: string): dtype is NumericType => dtype in ARRAYS;

export function bytesOf(count: number, dtype: string): number {
  return count * (dtype === 'bool' ? 1 : 4);
}

/** One number throughout, such as tfjs's zeros; most others are recognised by their first two elements. */
function isUniform(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (!Object.is(values[i], values[0])) return false;
  return values.length > 0;
}

export class TensorBuffer {
  refCount = 1;
  readonly dtype: DataType;
  /** Set by tfjs's kernels for complex tensors, which live in JavaScript alone. */
  complexTensorInfos: unknown;
  readonly #device: Device;
  readonly #counter: CopyCounter;
  #mirror: Values | undefined;
  #buffer: number | undefined;
  #count: number;

  constructor(device: Device, counter: CopyCounter, dtype: DataType, count: number, values?: Values) {
    this.#device = device;
    this.#counter = counter;
    this.dtype = dtype;
    this.#count = count;
    this.#mirror = values;
  }

  /** The buffer's number; the values are copied into it the first time. */
  get buffer(): number {
    this.#buffer ??= this.#mirror ? this.#copyIn() : this.#device.allocate(bytesOf(this.#count, this.#numericType()));
    return this.#buffer;
  }

  #copyIn(): number {
    const dtype = this.#numericType();
    const array = ARRAYS[dtype];
    const values = this.#mirror instanceof array ? this.#mirror : array.from(this.#mirror as ArrayLike<number>);
    if (isUniform(values)) return this.#filled(dtype, values[0]!);
    this.#counter.watch?.refuse('upload', `${values.length} numbers of ${dtype} from JavaScript`);
    const buffer = this.#device.hold(values);
    this.#counter.transfers.up += values.byteLength;
    this.#mirror = undefined;
    return buffer;
  }

  /** Fills a buffer with a number, which needs no copy of an array. */
  #filled(dtype: NumericType, value: number): number {
    const buffer = this.#device.allocate(bytesOf(this.#count, dtype));
    this.#device.run('fill', { dtype, count: this.#count, value, y: buffer });
    this.#mirror = undefined;
    return buffer;
  }

  #numericType(): NumericType {
    if (isNumeric(this.dtype)) return this.dtype;
    throw new Error(`tensors of type ${this.dtype} have no memory on the device`);
  }

  /** The elements as `cpu`'s kernels know them; copied out of the device's memory the first time. */
  get values(): Values | undefined {
    if (this.#mirror === undefined && this.#buffer !== undefined) this.#mirror = this.copyOut();
    return this.#mirror;
  }

  set values(values: Values | undefined) {
    this.release();
    this.#mirror = values;
    if (values) this.#count = values.length;
  }

  /** Copies the elements into a new array. */
  copyOut(): backend_util.TypedArray {
    const values = this.#arrayToFill();
    this.#device.download(this.buffer, values);
    return values;
  }

  /** The same without blocking this thread. */
  async readOut(): Promise<backend_util.TypedArray> {
    const values = this.#arrayToFill();
    await this.#device.read(this.buffer, values);
    return values;
  }

  #arrayToFill(): backend_util.TypedArray {
    this.#counter.watch?.refuse('read', `a read of ${this.#count} numbers of ${this.dtype}`);
    const values = new ARRAYS[this.#numericType()](this.#count);
    this.#counter.transfers.down += values.byteLength;
    return values;
  }

  get isOnDevice(): boolean {
    return this.#buffer !== undefined;
  }

  /** The device has new values in the buffer: what was copied out of it is out of date. */
  changed(): void {
    if (this.#buffer !== undefined) this.#mirror = undefined;
  }

  /** Exchanges the buffers of two tensors on the device. */
  exchange(other: TensorBuffer): void {
    [this.#buffer, other.#buffer] = [other.#buffer, this.#buffer];
    this.#mirror = undefined;
    other.#mirror = undefined;
  }

  release(): void {
    if (this.#buffer !== undefined) this.#device.release(this.#buffer);
    this.#buffer = undefined;
    this.#mirror = undefined;
  }
}
