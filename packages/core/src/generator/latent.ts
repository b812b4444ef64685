/**
 * How a patch is moved in the latent space of a generator, so that what is decoded looks like the patch and is not it.
 *
 * With q(z|x) = N(mu, exp(logvar)) of the encoder, strength k and eps ~ N(0, I):
 *
 * - `sigma`:  z = mu + k·exp(logvar/2), a shift by k standard deviations without randomness (the paper's last version)
 * - `sample`: z = mu + k·eps·exp(logvar/2)
 * - `noise`:  z = mu + k·eps, for the deterministic auto-encoder (the IGARSS variant, k = 0.001)
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../base/philox.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import type { TrainedOn } from '../runs/held_out.ts';

export const LATENT_RULES = ['sigma', 'sample', 'noise'] as const;
export type LatentRule = (typeof LATENT_RULES)[number];

/** What mining needs of a trained generator; `openGenerator` gives one. */
export interface LatentGenerator {
  readonly info: {
    side: number;
    /** Length of a latent vector. */
    latent: number;
    /** SHA-256 of its checkpoint as hex. */
    fingerprint: string;
    /** How the SAR patches were prepared that it was trained on, and that it makes. */
    normalisation: Normalisation;
    trainedOn: TrainedOn;
  };
  /** Prepared SAR patches [n, side, side, 1] → two times [n, latent]. */
  encode(x: tf.Tensor4D): { mu: tf.Tensor2D; logvar: tf.Tensor2D };
  /** [n, latent] → prepared SAR patches [n, side, side, 1]; differentiable. */
  decode(z: tf.Tensor2D): tf.Tensor4D;
  dispose(): void;
}

/** Where patches lie in latent space: two times [n, latent]. */
export interface Latents {
  mu: tf.Tensor2D;
  logvar: tf.Tensor2D;
}

/** True where a rule moves the same patch differently each time. */
export const isRandom = (rule: LatentRule): boolean => rule !== 'sigma';

/** @param eps [n, latent], standard normal; not looked at by `sigma`. */
export function moveLatents(
  { mu, logvar }: Latents,
  rule: LatentRule,
  strength: number,
  eps: tf.Tensor2D,
): tf.Tensor2D {
  return tf.tidy(() => {
    if (rule === 'noise') return tf.add(mu, tf.mul(eps, strength));
    const sigma = tf.exp(tf.mul(logvar, 0.5));
    return tf.add(mu, tf.mul(rule === 'sigma' ? sigma : tf.mul(eps, sigma), strength)) as tf.Tensor2D;
  });
}

/**
 * Noise for records, [records, latent]: that of a record follows from seed, record and draw alone, whatever batch it is in.
 *
 * @param draw 0, 1, … for further patches of the same record; below 2^10.
 */
export function latentNoise(records: readonly number[], draw: number, latent: number, seed: number): Float32Array {
  const counters = Math.ceil(latent / 4);
  const noise = new Float32Array(records.length * latent);
  records.forEach((record, i) => {
    noise.set(philoxNormal(latent, { seed, offset: (record * 1024 + draw) * counters }), i * latent);
  });
  return noise;
}
