/**
 * The backend `wasm`: tfjs's XNNPACK kernels (SIMD, one thread: tfjs turns its threads off outside browsers), and what
 * they lack for training.
 *
 * tfjs computes MaxPoolGrad here in generic JavaScript, at ten times the cost of the pooling; the kernel below takes
 * its place. The convolution's gradients are in `ops/conv2d.wasm.ts`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { fillOnHeap } from './heap.ts';

export async function prepareWasm(): Promise<{ device: string }> {
  await import('@tensorflow/tfjs-backend-wasm');
  replaceMaxPoolGrad();
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return { device: `WebAssembly${simd ? ' with SIMD' : ''}, one thread` };
}

let replaced = false;

function replaceMaxPoolGrad(): void {
  if (replaced) return;
  replaced = true;
  tf.unregisterKernel('MaxPoolGrad', 'wasm');
  tf.registerKernel({
    kernelName: 'MaxPoolGrad',
    backendName: 'wasm',
    kernelFunc: maxPoolGrad as unknown as tf.KernelFunc,
  });
}

interface MaxPoolGradArgs {
  inputs: { dy: tf.Tensor4D; input: tf.Tensor4D };
  attrs: { filterSize: number | [number, number]; strides: number | [number, number]; pad: 'same' | 'valid' | number };
}

/** Sends each dy [n, oh, ow, c] to the first maximum of its window of x [n, h, w, c]. */
function maxPoolGrad({ inputs: { dy, input }, attrs }: MaxPoolGradArgs): tf.TensorInfo {
  const shape = input.shape;
  const info = tf.backend_util.computePool2DInfo(
    shape,
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    undefined,
    'channelsLast',
  );
  const [, h, w, c] = shape;
  const { batchSize, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = info;
  return fillOnHeap([dy, input], shape, (dx, dyData, x) => {
    dx.fill(0);
    let at = 0; // index of dy
    for (let n = 0; n < batchSize; n++) {
      for (let oh = 0; oh < outHeight; oh++) {
        const top = oh * strideHeight - padInfo.top;
        const [hFrom, hTo] = [Math.max(top, 0), Math.min(top + filterHeight, h)];
        for (let ow = 0; ow < outWidth; ow++) {
          const left = ow * strideWidth - padInfo.left;
          const [wFrom, wTo] = [Math.max(left, 0), Math.min(left + filterWidth, w)];
          for (let ch = 0; ch < c; ch++, at++) {
            let best = Number.NEGATIVE_INFINITY;
            let position = -1;
            for (let ih = hFrom; ih < hTo; ih++) {
              for (let iw = wFrom; iw < wTo; iw++) {
                const index = ((n * h + ih) * w + iw) * c + ch;
                if (x[index]! > best) {
                  best = x[index]!;
                  position = index;
                }
              }
            }
            if (position >= 0) dx[position]! += dyData[at]!;
          }
        }
      }
    }
  });
}
