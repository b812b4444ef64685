/**
 * doppel's own ops and the layers built on them: all differentiable, NHWC, float32, filters HWIO.
 *
 * Each kernel of our own has a gradient and a reference in tfjs ops here; `native` and `cuda` bring fast kernels of the
 * same names.
 */
import { registerAdam } from './ops/adam.ts';
import { registerBatchNorm } from './ops/batch_norm.ts';
import { conv2dBackpropCpu, conv2dCpu } from './ops/conv2d.cpu.ts';
import { CONV2D, CONV2D_BACKPROP, registerConv2DGradients } from './ops/conv2d.ts';
import { conv2dBackpropWasm, conv2dWasm } from './ops/conv2d.wasm.ts';
import { registerReference } from './ops/kernel.ts';
import { registerPhilox } from './ops/philox.ts';
import { registerPixelNorm } from './ops/pixel_norm.ts';
import { registerPoolingGradients } from './ops/pooling.ts';
import { registerReductionGradients } from './ops/reductions.ts';
import { registerReparameterize } from './ops/reparameterize.ts';

export type { Activation } from './ops/activation.ts';
export { type AdamHyperparameters, type AdamResult, type AdamStep, adam } from './ops/adam.ts';
export { batchNorm } from './ops/batch_norm.ts';
export { conv2d } from './ops/conv2d.ts';
export { dense, dropout, minibatchStddev, softmaxCrossEntropy } from './ops/layers.ts';
export { normalNoise, uniformNoise } from './ops/philox.ts';
export { pixelNorm } from './ops/pixel_norm.ts';
export { avgPool, maxPool, upsampleNearest } from './ops/pooling.ts';
export { reparameterize } from './ops/reparameterize.ts';

let registered: Promise<void> | undefined;

/** Registers gradients and reference kernels with tfjs, once. Part of `selectBackend`. */
export function registerOps(): Promise<void> {
  registered ??= register();
  return registered;
}

async function register(): Promise<void> {
  // tfjs-core registers no gradients by itself; see scripts/bundle_gradients.mjs.
  await import('#gradients');
  registerReference(CONV2D, conv2dCpu, ['cpu']);
  registerReference(CONV2D_BACKPROP, conv2dBackpropCpu, ['cpu']);
  registerReference(CONV2D, conv2dWasm, ['wasm']);
  registerReference(CONV2D_BACKPROP, conv2dBackpropWasm, ['wasm']);
  registerConv2DGradients();
  registerPoolingGradients();
  registerReductionGradients();
  registerBatchNorm();
  registerPixelNorm();
  registerPhilox();
  registerReparameterize();
  registerAdam();
}
