/**
 * doppel's own ops and the layers built on them: all differentiable, NHWC, float32, filters HWIO.
 *
 * Each kernel of our own has a gradient and a reference in tfjs ops here; `native` and `cuda` bring fast kernels of the
 * same names.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ADAM, adamReference } from './adam.ts';
import { adamWasm } from './adam.wasm.ts';
import {
  BATCH_NORM,
  BATCH_NORM_BACKPROP,
  batchNormBackpropReferences,
  batchNormGradient,
  batchNormReferences,
} from './batch_norm.ts';
import { BLEND, blendReference } from './blend.ts';
import { conv2dBackpropCpu, conv2dCpu } from './conv2d.cpu.ts';
import { CONV2D, CONV2D_BACKPROP, conv2dBackpropGradient, conv2dGradient } from './conv2d.ts';
import { conv2dBackpropWasm, conv2dWasm } from './conv2d.wasm.ts';
import {
  CORRELATE,
  CORRELATE_BACKPROP,
  correlateBackpropReference,
  correlateGradient,
  correlateReference,
} from './correlate.ts';
import {
  CORRELATE_NEAR,
  CORRELATE_NEAR_BACKPROP,
  correlateNearBackpropReference,
  correlateNearGradient,
  correlateNearReference,
} from './correlate_near.ts';
import { GAMMA_LIKELIHOOD, gammaLikelihoodGradient, gammaLikelihoodReference } from './gamma_likelihood.ts';
import { defineOp, type OpDefinition, registerOp } from './kernel.ts';
import { LOCALISATION_LOSS, localisationLossGradient, localisationLossReference } from './localisation_loss.ts';
import { PHILOX, philoxReference } from './philox.ts';
import {
  PIXEL_NORM,
  PIXEL_NORM_BACKPROP,
  pixelNormBackpropReference,
  pixelNormGradient,
  pixelNormReference,
} from './pixel_norm.ts';
import { avgPoolGradGradient } from './pooling.ts';
import { meanGradient, sumGradient } from './reductions.ts';
import {
  REPARAMETERIZE,
  REPARAMETERIZE_BACKPROP,
  reparameterizeBackpropReference,
  reparameterizeGradient,
  reparameterizeReference,
} from './reparameterize.ts';
import { SUM_OF_SQUARES, sumOfSquaresReference } from './sum_of_squares.ts';
import {
  UPSAMPLE_BILINEAR,
  UPSAMPLE_BILINEAR_BACKPROP,
  upsampleBilinearBackpropGradient,
  upsampleBilinearBackpropReferences,
  upsampleBilinearGradient,
  upsampleBilinearReferences,
} from './upsample_bilinear.ts';

export type { Activation } from './activation.ts';
export { type AdamHyperparameters, type AdamResult, type AdamStep, adam } from './adam.ts';
export { batchNorm } from './batch_norm.ts';
export { blend } from './blend.ts';
export { conv2d } from './conv2d.ts';
export { correlate } from './correlate.ts';
export { correlateNear } from './correlate_near.ts';
export { gammaLikelihood } from './gamma_likelihood.ts';
export { dense, dropout, minibatchStddev, softmaxCrossEntropy } from './layers.ts';
export { type Localisation, localisationLoss } from './localisation_loss.ts';
export { normalNoise, uniformNoise } from './philox.ts';
export { pixelNorm, unitCells } from './pixel_norm.ts';
export { avgPool, maxPool, upsampleNearest } from './pooling.ts';
export { reparameterize } from './reparameterize.ts';
export { sumOfSquares } from './sum_of_squares.ts';
export { upsampleBilinear } from './upsample_bilinear.ts';

/** Every op of doppel's own: kernel name, reference for `cpu` and `wasm`, gradient. */
export const OPS: readonly OpDefinition[] = [
  defineOp(CONV2D, { cpu: conv2dCpu, wasm: conv2dWasm }, conv2dGradient),
  defineOp(CONV2D_BACKPROP, { cpu: conv2dBackpropCpu, wasm: conv2dBackpropWasm }, conv2dBackpropGradient),
  defineOp(BATCH_NORM, batchNormReferences, batchNormGradient),
  defineOp(BATCH_NORM_BACKPROP, batchNormBackpropReferences),
  defineOp(PIXEL_NORM, pixelNormReference, pixelNormGradient),
  defineOp(PIXEL_NORM_BACKPROP, pixelNormBackpropReference),
  defineOp(PHILOX, philoxReference),
  defineOp(REPARAMETERIZE, reparameterizeReference, reparameterizeGradient),
  defineOp(REPARAMETERIZE_BACKPROP, reparameterizeBackpropReference),
  defineOp(UPSAMPLE_BILINEAR, upsampleBilinearReferences, upsampleBilinearGradient),
  defineOp(UPSAMPLE_BILINEAR_BACKPROP, upsampleBilinearBackpropReferences, upsampleBilinearBackpropGradient),
  defineOp(CORRELATE, correlateReference, correlateGradient),
  defineOp(CORRELATE_BACKPROP, correlateBackpropReference),
  defineOp(CORRELATE_NEAR, correlateNearReference, correlateNearGradient),
  defineOp(CORRELATE_NEAR_BACKPROP, correlateNearBackpropReference),
  defineOp(LOCALISATION_LOSS, localisationLossReference, localisationLossGradient),
  defineOp(GAMMA_LIKELIHOOD, gammaLikelihoodReference, gammaLikelihoodGradient),
  defineOp(BLEND, blendReference),
  defineOp(SUM_OF_SQUARES, sumOfSquaresReference),
  defineOp(ADAM, { cpu: adamReference, wasm: adamWasm }),
];

/** Gradients of tfjs's own kernels that it lacks, or computes on the wrong side of the device's border. */
const GRADIENTS_OF_TFJS: readonly tf.GradConfig[] = [avgPoolGradGradient, sumGradient, meanGradient];

let registered: Promise<void> | undefined;

/** Registers gradients and reference kernels with tfjs, once. Part of `selectBackend`. */
export function registerOps(): Promise<void> {
  registered ??= register();
  return registered;
}

async function register(): Promise<void> {
  // tfjs-core registers no gradients by itself; see scripts/bundle_gradients.mjs.
  await import('#gradients');
  for (const op of OPS) registerOp(op);
  for (const gradient of GRADIENTS_OF_TFJS) tf.registerGradient(gradient);
}
