/**
 * Steps in latent space that make a patch harder: up the gradient of the matcher's score for the anchor's optical patch. A
 * step that would bring the patch nearer to the true one than `minDistance` is not taken, and the patch stays where it is.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../base/pause.ts';
import type { Latents } from '../generator/latent.ts';
import { decodeFor, type MakerTask } from '../generator/make_patches.ts';
import { patchDistance } from '../generator/patch_distance.ts';
import type { PatchShape } from '../prepare/patch_source.ts';
import type { AdaptiveSettings } from './adaptive_settings.ts';
import type { MiningScorer } from './blocks/block_scores.ts';

export type AscentTask = MakerTask &
  Pick<AdaptiveSettings, 'ascent' | 'minDistance'> & { scorer: MiningScorer; shape: PatchShape };

/** @param start [n, latent]. @returns [n, latent], a new tensor. */
export async function ascend(
  start: tf.Tensor2D,
  latents: Latents,
  batch: readonly number[],
  task: AscentTask,
): Promise<tf.Tensor2D> {
  const { ascent, shape, patches } = task;
  let z = tf.clone(start);
  if (ascent.steps === 0) return z;
  const optical = await opticalBatch(task, batch);
  const truth = await Promise.all(batch.map((record) => patches.sar(record)));
  try {
    for (let step = 0; step < ascent.steps; step++) {
      await pause(task.signal);
      const next = stepped(z, latents, optical, task);
      const made = await decodeFor(task, next, batch);
      const isFar = made.map((patch, i) => patchDistance(patch, truth[i]!, shape.side) >= task.minDistance);
      const kept = tf.tidy(() => tf.where(tf.tensor2d(isFar, [batch.length, 1], 'bool'), next, z) as tf.Tensor2D);
      tf.dispose([z, next]);
      z = kept;
    }
    return z;
  } finally {
    optical.dispose();
  }
}

/** z + size·σ·u with u the unit vector along σ·∂score/∂z, so that each patch moves by `size` standard deviations. */
function stepped(z: tf.Tensor2D, { logvar }: Latents, optical: tf.Tensor4D, task: AscentTask): tf.Tensor2D {
  const { generator, scorer, normalisation, ascent } = task;
  return tf.tidy(() => {
    const isStandardised = normalisation.sar.standardise === 'patch';
    const score = (x: tf.Tensor) => {
      const decoded = generator.decode(x as tf.Tensor2D);
      return tf.sum(scorer.score(isStandardised ? standardised(decoded) : decoded, optical));
    };
    const sigma = tf.exp(tf.mul(logvar, 0.5));
    const whitened = tf.mul(tf.grad(score)(z), sigma);
    const unit = tf.div(whitened, tf.maximum(tf.norm(whitened, 'euclidean', 1, true), 1e-12));
    return tf.add(z, tf.mul(tf.mul(unit, sigma), ascent.size)) as tf.Tensor2D;
  });
}

/** Each patch to mean 0 and standard deviation 1. */
function standardised(x: tf.Tensor4D): tf.Tensor4D {
  const centred = tf.sub(x, tf.mean(x, [1, 2, 3], true));
  const variance = tf.mean(tf.square(centred), [1, 2, 3], true);
  return tf.div(centred, tf.sqrt(tf.add(variance, 1e-8)));
}

async function opticalBatch({ patches, shape }: AscentTask, records: readonly number[]): Promise<tf.Tensor4D> {
  const { side, opticalBands } = shape;
  const size = side * side * opticalBands;
  const all = new Float32Array(records.length * size);
  const prepared = await Promise.all(records.map((record) => patches.optical(record)));
  prepared.forEach((patch, i) => {
    all.set(patch, i * size);
  });
  return tf.tensor4d(all, [records.length, side, side, opticalBands]);
}
