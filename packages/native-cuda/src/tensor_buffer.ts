/**
 * The memory of one tensor: a native buffer, a JavaScript array, or both. Each side is made when it is first asked for, so
 * that chained native kernels copy nothing and a kernel of the backend `cpu` still finds its `values`.
 */
import type { backend_util, DataType } from '@tensorflow/tfjs-core';
import type { Addon } from './addon.ts';

type Values = backend_util.TypedArray | Uint8Array[];

/** Copies between JavaScript and native memory, in bytes; tests and benches read them. */
export interface Transfers {
  up: number;
  down: number;
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
type NumericType = keyof typeof ARRAYS;

export const isNumeric = (dtype: string): dtype is NumericType => dtype in ARRAYS;

export function bytesOf(count: number, dtype: string): number {
  return count * (dtype === 'bool' ? 1 : 4);
}

export class TensorBuffer {
  refCount = 1;
  readonly dtype: DataType;
  /** Set by tfjs's kernels for complex tensors, which live in JavaScript alone. */
  complexTensorInfos: unknown;
  readonly #addon: Addon;
  readonly #transfers: Transfers;
  #mirror: Values | undefined;
  #buffer: number | undefined;
  #count: number;

  constructor(addon: Addon, transfers: Transfers, dtype: DataType, count: number, values?: Values) {
    this.#addon = addon;
    this.#transfers = transfers;
    this.dtype = dtype;
    this.#count = count;
    this.#mirror = values;
  }

  /** The native buffer's number; the values are copied into it the first time. */
  get buffer(): number {
    if (this.#buffer !== undefined) return this.#buffer;
    if (!isNumeric(this.dtype)) throw new Error(`tensors of type ${this.dtype} have no native memory`);
    this.#buffer = this.#addon.allocate(bytesOf(this.#count, this.dtype));
    if (this.#mirror) {
      const array = ARRAYS[this.dtype];
      const values = this.#mirror instanceof array ? this.#mirror : array.from(this.#mirror as ArrayLike<number>);
      this.#addon.upload(this.#buffer, values);
      this.#transfers.up += values.byteLength;
      this.#mirror = undefined;
    }
    return this.#buffer;
  }

  /** The elements as `cpu`'s kernels know them; copied out of native memory the first time. */
  get values(): Values | undefined {
    if (this.#mirror === undefined && this.#buffer !== undefined) this.#mirror = this.copyOut();
    return this.#mirror;
  }

  set values(values: Values | undefined) {
    this.release();
    this.#mirror = values;
    if (values) this.#count = values.length;
  }

  /** A copy of the elements that nobody else holds. */
  copyOut(): backend_util.TypedArray {
    const values = new ARRAYS[this.dtype as NumericType](this.#count);
    this.#addon.download(this.buffer, values);
    this.#transfers.down += values.byteLength;
    return values;
  }

  get isNative(): boolean {
    return this.#buffer !== undefined;
  }

  release(): void {
    if (this.#buffer !== undefined) this.#addon.release(this.#buffer);
    this.#buffer = undefined;
    this.#mirror = undefined;
  }
}
