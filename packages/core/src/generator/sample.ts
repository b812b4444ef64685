/**
 * Patches that a generator makes for looking at: from the prior, around a real patch by the rules that hard negatives are made
 * by, and between two real patches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { isRandom, type LatentGenerator, type LatentRule, latentNoise, moveLatents } from './latent.ts';
import type { PatchStack } from './patch_stack.ts';
import { fromPrior, make } from './quality/made_sets.ts';

const REMEDY = 'Lower the strength, or train the generator again.';

export type SampleTask =
  | { kind: 'prior'; count: number; seed: number }
  | {
      kind: 'around';
      count: number;
      seed: number;
      rule: LatentRule;
      strength: number;
      /** Prepared, and its position in the data set. */
      patch: Float32Array;
      record: number;
    }
  | { kind: 'between'; count: number; from: Float32Array; to: Float32Array };

/**
 * `count` patches, prepared as the generator's normalisation says.
 *
 * - `prior`: z ~ N(0, I)
 * - `around`: `count` draws; by `sigma`, which draws nothing, strengths in equal steps up to the one given
 * - `between`: the codes' means in equal steps, both ends among them
 *
 * @throws NonFiniteError where a patch is not finite.
 */
export async function samplePatches(generator: LatentGenerator, task: SampleTask): Promise<PatchStack> {
  if (task.kind === 'prior') return fromPrior(generator, { count: task.count, seed: task.seed });
  const { latent } = generator.info;
  const z = tf.tidy(() => (task.kind === 'around' ? around(generator, task) : between(generator, task)));
  try {
    return await make(generator, task.count, { remedy: REMEDY }, (start, size) =>
      generator.decode(tf.slice(z, [start, 0], [size, latent])),
    );
  } finally {
    z.dispose();
  }
}

/** G(E(x)), by the mean code. */
export async function reconstruction(generator: LatentGenerator, patch: Float32Array): Promise<PatchStack> {
  return samplePatches(generator, { kind: 'between', count: 1, from: patch, to: patch });
}

function around(
  generator: LatentGenerator,
  { count, seed, rule, strength, patch, record }: SampleTask & { kind: 'around' },
) {
  const { latent } = generator.info;
  const latents = latentsOf(generator, patch);
  if (!isRandom(rule)) {
    const eps = tf.zeros([1, latent]) as tf.Tensor2D;
    const codes = Array.from({ length: count }, (_, i) =>
      moveLatents(latents, rule, (strength * (i + 1)) / count, eps),
    );
    return tf.concat(codes, 0) as tf.Tensor2D;
  }
  const codes = Array.from({ length: count }, (_, draw) => {
    const eps = tf.tensor2d(latentNoise([record], draw, latent, seed), [1, latent]);
    return moveLatents(latents, rule, strength, eps);
  });
  return tf.concat(codes, 0) as tf.Tensor2D;
}

function between(generator: LatentGenerator, { count, from, to }: SampleTask & { kind: 'between' }): tf.Tensor2D {
  const [a, b] = [latentsOf(generator, from).mu, latentsOf(generator, to).mu];
  const codes = Array.from({ length: count }, (_, i) => {
    const share = count === 1 ? 0 : i / (count - 1);
    return tf.add(tf.mul(a, 1 - share), tf.mul(b, share)) as tf.Tensor2D;
  });
  return tf.concat(codes, 0) as tf.Tensor2D;
}

function latentsOf(generator: LatentGenerator, patch: Float32Array) {
  const { side } = generator.info;
  return generator.encode(tf.tensor4d(patch, [1, side, side, 1]));
}
