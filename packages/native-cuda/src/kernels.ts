/** Every kernel that the addon serves, and their registration with tfjs. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddonBackend } from './backend.ts';
import type { AddonKernel, Attributes, Inputs } from './kernel.ts';
import { ADAM } from './kernels/adam.ts';
import { BATCH_NORM } from './kernels/batch_norm.ts';
import { BLEND } from './kernels/blend.ts';
import { CONV2D } from './kernels/conv2d.ts';
import { CORRELATE } from './kernels/correlate.ts';
import { CORRELATE_NEAR } from './kernels/correlate_near.ts';
import { ELEMENTWISE } from './kernels/elementwise.ts';
import { GAMMA_LIKELIHOOD } from './kernels/gamma_likelihood.ts';
import { LOCALISATION_LOSS } from './kernels/localisation_loss.ts';
import { MATMUL } from './kernels/matmul.ts';
import { PHILOX } from './kernels/philox.ts';
import { PIXEL_NORM } from './kernels/pixel_norm.ts';
import { POOLING } from './kernels/pooling.ts';
import { REARRANGE } from './kernels/rearrange.ts';
import { REDUCTIONS } from './kernels/reductions.ts';
import { REPARAMETERIZE } from './kernels/reparameterize.ts';
import { SUM_OF_SQUARES } from './kernels/sum_of_squares.ts';
import { UPSAMPLE_BILINEAR } from './kernels/upsample_bilinear.ts';

/** Kernels by file of kernels/, whose stems are those of cc/ops.def. */
export const KERNELS: readonly AddonKernel[] = [
  ...ADAM,
  ...BATCH_NORM,
  ...BLEND,
  ...CONV2D,
  ...CORRELATE,
  ...CORRELATE_NEAR,
  ...ELEMENTWISE,
  ...GAMMA_LIKELIHOOD,
  ...LOCALISATION_LOSS,
  ...MATMUL,
  ...PHILOX,
  ...PIXEL_NORM,
  ...POOLING,
  ...REARRANGE,
  ...REDUCTIONS,
  ...REPARAMETERIZE,
  ...SUM_OF_SQUARES,
  ...UPSAMPLE_BILINEAR,
];

/** tfjs's own kernels that only rename a tensor, or make one from numbers that JavaScript has: nothing runs slower for them. */
const FREE = new Set(['Identity', 'Reshape', 'ExpandDims', 'Range', 'LinSpace']);

type KernelFunc = (args: {
  inputs: Inputs;
  backend: AddonBackend;
  attrs: Attributes;
}) => tf.TensorInfo | tf.TensorInfo[];

/**
 * Registers the native kernels under `backendName`, and for every other kernel of `cpu` that one, counted as a fallback.
 * A native kernel that declines falls back the same way.
 */
export function registerKernels(backendName: string): void {
  const native = new Map(KERNELS.map((kernel) => [kernel.name, kernel]));
  const javascript = new Map(
    (tf.getKernelsForBackend('cpu') as tf.KernelConfig[]).map((config) => [
      config.kernelName,
      config.kernelFunc as KernelFunc,
    ]),
  );
  for (const kernelName of new Set([...native.keys(), ...javascript.keys()])) {
    if (tf.getKernel(kernelName, backendName)) continue;
    const kernel = native.get(kernelName);
    const fallback = javascript.get(kernelName);
    const kernelFunc: KernelFunc = (args) => {
      const result = kernel?.run(args.backend, args.inputs, args.attrs);
      if (result !== undefined) return result;
      if (!fallback) throw new Error(`the backend ${backendName} has no kernel ${kernelName} for these inputs`);
      if (!FREE.has(kernelName)) args.backend.countFallback(kernelName);
      return fallback(args);
    };
    tf.registerKernel({ kernelName, backendName, kernelFunc: kernelFunc as tf.KernelFunc });
  }
}
