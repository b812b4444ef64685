/**
 * Probes a generator in training with the same few patches and codes each time: pictures, and the information of its
 * code about a patch.
 */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal } from '../../base/philox.ts';
import { Rng } from '../../base/random.ts';
import type { Generator, Growth } from '../../generator/architecture.ts';
import { GENERATORS } from '../../generator/architectures.ts';
import { latentSize } from '../../generator/generator.ts';

/** Patches that go through the networks at a time. */
const BATCH = 32;
/** Patches that KL and reconstruction error are measured on. */
const PROBES = 128;
/** KL divergence in nats below which a dimension of the code counts as collapsed: it carries no information. */
export const COLLAPSED = 0.01;

/** Patches one after the other, each side². */
export interface GridBlock {
  data: Float32Array;
  count: number;
}

/** Records to look at, the same for the same seed. */
export function probeRecords(records: readonly number[], seed: number, shown: number): number[] {
  return Rng.derive(seed, 'probe')
    .shuffle([...records])
    .slice(0, Math.max(shown, PROBES));
}

export interface ProbeResult {
  /** Originals, reconstructions by the averaged decoder, and samples from the prior. */
  blocks: [originals: GridBlock, reconstructions: GridBlock, samples: GridBlock];
  reconstructionError: number;
  /** KL divergence in nats by dimension, over the probes. */
  kl: number[];
}

/**
 * @param originals patches one after the other, at the side of the stage. @param grid rows and columns that are shown.
 */
export async function probe(
  generator: Generator,
  originals: Float32Array,
  { growth, seed, grid, side }: { growth: Growth; seed: number; grid: number; side: number },
): Promise<ProbeResult> {
  const { encode, decode } = GENERATORS.get(generator.preset);
  const latent = latentSize(generator);
  const pixels = side * side;
  const count = originals.length / pixels;
  const again = new Float32Array(originals.length);
  const kl = new Array<number>(latent).fill(0);
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    const x = tf.tensor4d(originals.slice(start * pixels, (start + size) * pixels), [size, side, side, 1]);
    const { made, divergence } = tf.tidy(() => {
      const { mu, logvar } = encode(generator.encoder, x, growth);
      return { made: decode(generator.average, mu, growth), divergence: tf.sum(divergenceOf(mu, logvar), 0) };
    });
    again.set(await made.data<'float32'>(), start * pixels);
    (await divergence.data<'float32'>()).forEach((value, i) => {
      kl[i]! += value / count;
    });
    tf.dispose([x, made, divergence]);
  }
  const shown = Math.min(grid ** 2, count);
  const block = (data: Float32Array): GridBlock => ({ data: data.subarray(0, shown * pixels), count: shown });
  const prior = { data: await fromPrior(generator, grid ** 2, growth, seed, pixels), count: grid ** 2 };
  return {
    blocks: [block(originals), block(again), prior],
    reconstructionError: rootMeanSquare(originals, again),
    kl,
  };
}

/** ½(mu² + σ² − 1 − ln σ²), [n, latent] */
function divergenceOf(mu: tf.Tensor2D, logvar: tf.Tensor2D): tf.Tensor {
  return tf.mul(tf.sub(tf.add(tf.square(mu), tf.exp(logvar)), tf.add(logvar, 1)), 0.5);
}

async function fromPrior(generator: Generator, count: number, growth: Growth, seed: number, pixels: number) {
  const { decode } = GENERATORS.get(generator.preset);
  const latent = latentSize(generator);
  const z = philoxNormal(count * latent, { seed, offset: 0 });
  const made = new Float32Array(count * pixels);
  for (let start = 0; start < count; start += BATCH) {
    const size = Math.min(BATCH, count - start);
    const part = z.slice(start * latent, (start + size) * latent);
    const patches = tf.tidy(() => decode(generator.average, tf.tensor2d(part, [size, latent]), growth));
    made.set(await patches.data<'float32'>(), start * pixels);
    patches.dispose();
  }
  return made;
}

function rootMeanSquare(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}
