/**
 * The backend `wasm`: tfjs's XNNPACK kernels (SIMD, one thread: tfjs turns its threads off outside browsers), and what
 * they lack for training.
 *
 * tfjs copies a tensor's data for each Identity, and so for each tensor that is kept for the backward pass; it computes
 * MaxPoolGrad in generic JavaScript, at ten times the cost of the pooling; and it splits element by element. The kernels
 * below take their places. The convolution's gradients are in `ops/conv2d.wasm.ts`, Adam's in `ops/adam.wasm.ts`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { fillOnHeap, fillTogetherOnHeap } from '../ops/wasm_heap.ts';

export async function prepareWasm(): Promise<{ device: string }> {
  await import('@tensorflow/tfjs-backend-wasm');
  replaceKernels();
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return { device: `WebAssembly${simd ? ' with SIMD' : ''}, one thread` };
}

let replaced = false;

function replaceKernels(): void {
  if (replaced) return;
  replaced = true;
  const ours = { Identity: identity, MaxPoolGrad: maxPoolGrad, SplitV: splitV } as unknown as Record<
    string,
    tf.KernelFunc
  >;
  for (const [kernelName, kernelFunc] of Object.entries(ours)) {
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
  }
}

/** Shares the data instead of copying it: tfjs's tensors are never written in place. */
function identity({
  inputs: { x },
  backend,
}: {
  inputs: { x: tf.TensorInfo };
  backend: tf.KernelBackend;
}): tf.TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

interface SplitVArgs {
  inputs: { x: tf.Tensor };
  attrs: { numOrSizeSplits: number | number[]; axis: number };
}

/** Parts along an axis, by whole runs. */
function splitV({ inputs: { x }, attrs }: SplitVArgs): tf.TensorInfo[] {
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(x, attrs.numOrSizeSplits, axis);
  const inner = tf.util.sizeFromShape(x.shape.slice(axis + 1));
  const outer = tf.util.sizeFromShape(x.shape.slice(0, axis));
  const shapes = sizes.map((size) => x.shape.with(axis, size));
  return fillTogetherOnHeap([x], shapes, (parts, [data]) => {
    let from = 0;
    for (let i = 0; i < outer; i++) {
      for (const [k, part] of parts.entries()) {
        const run = sizes[k]! * inner;
        part.set(data!.subarray(from, from + run), i * run);
        from += run;
      }
    }
  });
}

interface MaxPoolGradArgs {
  inputs: { dy: tf.Tensor4D; input: tf.Tensor4D };
  attrs: { filterSize: number | [number, number]; strides: number | [number, number]; pad: 'same' | 'valid' | number };
}

/** Sends each dy [n, oh, ow, c] to the first maximum of its window of x [n, h, w, c]. */
function maxPoolGrad({ inputs: { dy, input }, attrs }: MaxPoolGradArgs): tf.TensorInfo {
  const { filterSize, strides, pad } = attrs;
  const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad, undefined, 'channelsLast');
  const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;
  const isHalving = [filterHeight, filterWidth, strideHeight, strideWidth].every((side) => side === 2);
  const unpool = isHalving && padInfo.top === 0 && padInfo.left === 0 && pad === 'valid' ? unpoolHalves : unpoolWindows;
  return fillOnHeap([dy, input], input.shape, (dx, dyData, x) => unpool(dx.fill(0), dyData, x, info));
}

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

/** Windows of 2 × 2 that touch but do not overlap: the case of the models, without inner loops. */
function unpoolHalves(dx: Float32Array, dy: Float32Array, x: Float32Array, info: PoolInfo): void {
  const { batchSize, outHeight, outWidth, inHeight, inWidth, inChannels: c } = info;
  const row = inWidth * c;
  let at = 0;
  for (let n = 0; n < batchSize; n++) {
    for (let oh = 0; oh < outHeight; oh++) {
      let corner = (n * inHeight + 2 * oh) * row;
      for (let ow = 0; ow < outWidth; ow++, corner += c) {
        for (let ch = 0; ch < c; ch++, at++, corner++) {
          // By integer arithmetic, three times faster: branches that cannot be predicted are what this costs.
          const upper = corner + Math.imul(c, Number(x[corner + c]! > x[corner]!));
          const lower = corner + row + Math.imul(c, Number(x[corner + row + c]! > x[corner + row]!));
          dx[upper + Math.imul(lower - upper, Number(x[lower]! > x[upper]!))] = dy[at]!;
        }
      }
    }
  }
}

/** Any window, stride and padding. */
function unpoolWindows(dx: Float32Array, dy: Float32Array, x: Float32Array, info: PoolInfo): void {
  const { batchSize, outHeight, outWidth, inHeight, inWidth, inChannels: c, padInfo } = info;
  let at = 0; // index of dy
  for (let n = 0; n < batchSize; n++) {
    for (let oh = 0; oh < outHeight; oh++) {
      const top = oh * info.strideHeight - padInfo.top;
      const [hFrom, hTo] = [Math.max(top, 0), Math.min(top + info.filterHeight, inHeight)];
      for (let ow = 0; ow < outWidth; ow++) {
        const left = ow * info.strideWidth - padInfo.left;
        const [wFrom, wTo] = [Math.max(left, 0), Math.min(left + info.filterWidth, inWidth)];
        for (let ch = 0; ch < c; ch++, at++) {
          let best = Number.NEGATIVE_INFINITY;
          let position = -1;
          for (let ih = hFrom; ih < hTo; ih++) {
            for (let iw = wFrom; iw < wTo; iw++) {
              const index = ((n * inHeight + ih) * inWidth + iw) * c + ch;
              if (x[index]! > best) {
                best = x[index]!;
                position = index;
              }
            }
          }
          if (position >= 0) dx[position]! += dy[at]!;
        }
      }
    }
  }
}
