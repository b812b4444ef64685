/**
 * Moves a patch in the latent space of a generator, so that the decoded patch looks like it and shows something else.
 *
 * With q(z|x) = N(mu, exp(logvar)) of the encoder, strength k and eps ~ N(0, I):
 *
 * - `sigma`:  z = mu + k·exp(logvar/2), a shift by k standard deviations, not random (the paper's last version)
 * - `sample`: z = mu + k·eps·exp(logvar/2)
 * - `noise`:  z = mu + k·eps, for the deterministic auto-encoder (the IGARSS variant, k = 0.001)
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../base/philox.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import type { TrainedOn } from '../runs/held_out.ts';
import type { Grain } from './grain/grain.ts';

export const LATENT_RULES = ['sigma', 'sample', 'noise'] as const;
export type LatentRule = (typeof LATENT_RULES)[number];

/** Trained generator as mining uses it; `openGenerator` returns one. */
export interface LatentGenerator {
  readonly info: {
    side: number;
    /** Length of a latent vector. */
    latent: number;
    /** Cells along each side of codes in space, [cells, cells, numbers]; absent: codes have no place. */
    cells?: number | undefined;
    /** SHA-256 of its checkpoint as hex. */
    fingerprint: string;
    /** Preparation of the SAR patches that it was trained on, and of those that it makes. */
    normalisation: Normalisation;
    trainedOn: TrainedOn;
  };
  /** Prepared SAR patches [n, side, side, 1] → their posteriors. */
  encode(x: tf.Tensor4D): Latents;
  /** [n, latent] → prepared SAR patches [n, side, side, 1]; differentiable. */
  decode(z: tf.Tensor2D): tf.Tensor4D;
  /** Absent where decoded patches hold their speckle. */
  readonly grain?: Grain;
  dispose(): void;
}

/** Posteriors q(z|x) of patches: mean and logarithm of the variance, [n, latent] each. */
export type Latents = { mu: tf.Tensor2D; logvar: tf.Tensor2D };

/** Means of the posteriors, one Float32Array for each patch. Disposes of the posteriors. */
export async function meansOf({ mu, logvar }: Latents): Promise<Float32Array[]> {
  const [patches, latent] = mu.shape;
  const values = await mu.data<'float32'>();
  tf.dispose([mu, logvar]);
  return Array.from({ length: patches }, (_, i) => values.slice(i * latent, (i + 1) * latent));
}

/** True if a rule draws noise, so that each draw of a patch differs. */
export const isRandom = (rule: LatentRule): boolean => rule !== 'sigma';

/** @param eps [n, latent], standard normal; `sigma` ignores it. */
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
 * Standard normal noise, [records, latent]. A record's noise depends on seed, record and draw alone, not on its batch.
 *
 * @param draw 0, 1, … for several patches of one record; below 2^10.
 */
export function latentNoise(records: readonly number[], draw: number, latent: number, seed: number): Float32Array {
  const counters = Math.ceil(latent / 4);
  const noise = new Float32Array(records.length * latent);
  records.forEach((record, i) => {
    noise.set(philoxNormal(latent, { seed, offset: (record * 1024 + draw) * counters }), i * latent);
  });
  return noise;
}
