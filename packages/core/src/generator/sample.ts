/**
 * Patches that a generator makes for looking at: from the prior, around a real patch by the rules that hard negatives are made
 * by, and between two real patches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { NonFiniteError } from '../errors.ts';
import { isRandom, type LatentGenerator, type LatentRule, latentNoise, moveLatents } from './latent.ts';
import { standardiseAgain } from './match_histogram.ts';
import { type PatchStack, patchAt } from './patch_stack.ts';
import { fromPrior } from './quality/made_sets.ts';

/** Patches that go through the generator at a time. */
const BATCH = 32;

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
  const { side, latent, normalisation } = generator.info;
  const { count } = task;
  const z = tf.tidy(() => (task.kind === 'around' ? around(generator, task) : between(generator, task)));
  const stack: PatchStack = { data: new Float32Array(count * side * side), side, count };
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    const made = tf.tidy(() => generator.decode(tf.slice(z, [start, 0], [size, latent])));
    stack.data.set((await made.data()) as Float32Array, start * side * side);
    made.dispose();
  }
  z.dispose();
  for (let row = 0; row < stack.count; row++) {
    if (!patchAt(stack, row).every(Number.isFinite)) throw notFinite(row);
    standardiseAgain(patchAt(stack, row), normalisation);
  }
  return stack;
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

const notFinite = (row: number) =>
  new NonFiniteError({
    action: 'make patches with this generator',
    expected: 'finite samples',
    found: `NaN or infinite ones in patch ${row + 1}`,
    remedy: 'Lower the strength, or train the generator again.',
  });
