/**
 * doppel's own ops and the layers built on them: all differentiable, NHWC, float32, filters HWIO.
 *
 * Each kernel of our own has a gradient and a reference in tfjs ops here; `native` and `cuda` bring fast kernels of the
 * same names.
 */
import { registerAdam } from './adam.ts';
import { registerBatchNorm } from './batch_norm.ts';
import { conv2dBackpropCpu, conv2dCpu } from './conv2d.cpu.ts';
import { CONV2D, CONV2D_BACKPROP, registerConv2DGradients } from './conv2d.ts';
import { conv2dBackpropWasm, conv2dWasm } from './conv2d.wasm.ts';
import { registerReference } from './kernel.ts';
import { registerPhilox } from './philox.ts';
import { registerPixelNorm } from './pixel_norm.ts';
import { registerPoolingGradients } from './pooling.ts';
import { registerReductionGradients } from './reductions.ts';
import { registerReparameterize } from './reparameterize.ts';

export type { Activation } from './activation.ts';
export { type AdamHyperparameters, type AdamResult, type AdamStep, adam } from './adam.ts';
export { batchNorm } from './batch_norm.ts';
export { conv2d } from './conv2d.ts';
export { dense, dropout, minibatchStddev, softmaxCrossEntropy } from './layers.ts';
export { normalNoise, uniformNoise } from './philox.ts';
export { pixelNorm } from './pixel_norm.ts';
export { avgPool, maxPool, upsampleNearest } from './pooling.ts';
export { reparameterize } from './reparameterize.ts';

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
