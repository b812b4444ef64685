/**
 * Sets of generated patches: samples of the prior, and reconstructions G(E(x)) of real patches, from which hard
 * negatives are made. Both are finished as in mining: if patches are standardised one by one, generated ones are as
 * well.
 */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../base/pause.ts';
import { philoxNormal } from '../../base/philox.ts';
import { Rng } from '../../base/random.ts';
import { NonFiniteError } from '../../errors.ts';
import type { LatentGenerator } from '../latent.ts';
import { standardiseAgain } from '../match_histogram.ts';
import { type PatchStack, patchAt, slice } from '../patch_stack.ts';

/** Patches that go through the generator at a time. */
const BATCH = 32;

interface MakeOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number) => void) | undefined;
  /** Way out where a sample is not finite. */
  remedy?: string;
}

/**
 * From z ~ N(0, I). Patch i of a seed is the same however many there are.
 *
 * @throws NonFiniteError where a sample is not finite. @throws the signal's reason when it is aborted.
 */
export function fromPrior(
  generator: LatentGenerator,
  { count, seed, ...options }: { count: number; seed: number } & MakeOptions,
): Promise<PatchStack> {
  const { latent } = generator.info;
  const counters = Math.ceil(latent / 4);
  return make(generator, count, options, (start, size) => {
    const z = new Float32Array(size * latent);
    for (let i = 0; i < size; i++) {
      z.set(philoxNormal(latent, { seed, offset: (start + i) * counters }), i * latent);
    }
    return generator.decode(tf.tensor2d(z, [size, latent]));
  });
}

/** Reconstructions by the mean of q(z|x). Errors as `fromPrior`. */
export function reconstructed(
  generator: LatentGenerator,
  originals: PatchStack,
  options: MakeOptions = {},
): Promise<PatchStack> {
  const { side } = originals;
  return make(generator, originals.count, options, (start, size) => {
    const { data } = slice(originals, start, start + size);
    return generator.decode(generator.encode(tf.tensor4d(data, [size, side, side, 1])).mu);
  });
}

/** @param decoded patches of the positions from `start` on. Errors as `fromPrior`. */
export async function make(
  { info }: LatentGenerator,
  count: number,
  { signal, onProgress, remedy = 'Train the generator again, or use an earlier checkpoint.' }: MakeOptions,
  decoded: (start: number, size: number) => tf.Tensor4D,
): Promise<PatchStack> {
  const { side, normalisation } = info;
  const stack: PatchStack = { data: new Float32Array(count * side * side), side, count };
  for (let start = 0; start < count; start += BATCH) {
    await pause(signal);
    const size = Math.min(BATCH, count - start);
    const patches = tf.tidy(() => decoded(start, size));
    try {
      stack.data.set(await patches.data<'float32'>(), start * side * side);
    } finally {
      patches.dispose();
    }
    for (let row = start; row < start + size; row++) {
      const patch = patchAt(stack, row);
      if (!patch.every(Number.isFinite)) throw notFinite(row, remedy);
      standardiseAgain(patch, normalisation);
    }
    onProgress?.(start + size);
  }
  return stack;
}

/** Shuffles the pixels of each patch: its values remain, its content and texture do not. */
export function scrambled({ data, side, count }: PatchStack, seed: number): PatchStack {
  const rng = Rng.derive(seed, 'scrambled');
  const out: PatchStack = { data: data.slice(), side, count };
  for (let row = 0; row < count; row++) {
    const patch = patchAt(out, row);
    for (let i = patch.length - 1; i > 0; i--) {
      const j = rng.int(i + 1);
      [patch[i], patch[j]] = [patch[j]!, patch[i]!];
    }
  }
  return out;
}

const notFinite = (row: number, remedy: string) =>
  new NonFiniteError({
    action: 'make patches with this generator',
    expected: 'finite samples',
    found: `NaN or infinite ones in patch ${row + 1}`,
    remedy,
  });
