/**
 * DoppelReparameterize: z = mu + exp(logvar / 2)·eps with eps ~ N(0, I) from Philox, and the KL divergence of
 * N(mu, exp(logvar)) to N(0, I), −½ Σ (1 + logvar − mu² − exp(logvar)) over the latent axis, in one pass.
 * Kingma and Welling, Auto-Encoding Variational Bayes (ICLR 2014), §2.4 and appendix B.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Draw } from '../base/philox.ts';
import { type Gradient, runKernelMulti } from './kernel.ts';
import { normalNoise } from './philox.ts';

export const REPARAMETERIZE = 'DoppelReparameterize';
export const REPARAMETERIZE_BACKPROP = 'DoppelReparameterizeBackprop';

interface Inputs {
  /** [n, d] */
  mu: tf.Tensor2D;
  logvar: tf.Tensor2D;
  /** [n, d]; drawn from Philox where it is absent. */
  eps?: tf.Tensor2D;
}

interface BackpropInputs extends Required<Inputs> {
  /** [n, d] */
  dz: tf.Tensor2D;
  /** [n] */
  dkl: tf.Tensor1D;
}

/** z: [n, d]; kl: [n]. Give a draw, or eps itself. */
export function reparameterize(
  mu: tf.Tensor2D,
  logvar: tf.Tensor2D,
  noise: Draw | { eps: tf.Tensor2D },
): { z: tf.Tensor2D; kl: tf.Tensor1D } {
  const inputs = 'eps' in noise ? { mu, logvar, eps: noise.eps } : { mu, logvar };
  const draw = 'eps' in noise ? { seed: 0, offset: 0 } : { seed: noise.seed, offset: noise.offset };
  const [z, kl] = runKernelMulti(REPARAMETERIZE, inputs, draw);
  return { z: z as tf.Tensor2D, kl: kl as tf.Tensor1D };
}

export function reparameterizeReference({ mu, logvar, eps }: Inputs, draw: Draw): tf.Tensor[] {
  const noise = eps ? tf.clone(eps) : (normalNoise(mu.shape, draw) as tf.Tensor2D);
  const z = tf.add(mu, tf.mul(tf.exp(tf.div(logvar, 2)), noise));
  const terms = tf.sub(tf.sub(tf.add(logvar, 1), tf.square(mu)), tf.exp(logvar));
  return [z, tf.mul(tf.sum(terms, 1), -0.5), noise];
}

/** dmu = dz + dkl·mu;  dlogvar = ½ (dz·eps·exp(logvar/2) + dkl·(exp(logvar) − 1)). */
export function reparameterizeBackpropReference({ dz, dkl, mu, logvar, eps }: BackpropInputs): tf.Tensor[] {
  const column = tf.expandDims(dkl, 1);
  const sigma = tf.exp(tf.div(logvar, 2));
  const dlogvar = tf.add(tf.mul(tf.mul(dz, eps), sigma), tf.mul(column, tf.sub(tf.exp(logvar), 1)));
  return [tf.add(dz, tf.mul(column, mu)), tf.div(dlogvar, 2)];
}

export const reparameterizeGradient: Gradient = {
  inputsToSave: ['mu', 'logvar'],
  outputsToSave: [false, false, true],
  gradFunc: (douts, [mu, logvar, eps]) => {
    const [dz, dkl] = [douts].flat();
    const inputs = { dz: dz!, dkl: dkl!, mu: mu!, logvar: logvar!, eps: eps! };
    const [dmu, dlogvar] = runKernelMulti(REPARAMETERIZE_BACKPROP, inputs, {});
    return { mu: () => dmu!, logvar: () => dlogvar!, eps: () => tf.zerosLike(eps!) };
  },
};
