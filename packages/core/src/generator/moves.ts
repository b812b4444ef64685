/**
 * Moves of codes in space towards a donor, a patch of other ground, with mu and mu′ the means of both:
 *
 * - `swap`: a feathered blob of cells, the share k of them (0.1 to 0.35), becomes the donor's; no other cell changes
 * - `mix`: √(1 − k²)·mu + k·mu′ everywhere, which keeps the variance of codes (k from 0.3 to 0.6)
 *
 * The rules of latent.ts need no donor.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { philoxNormal } from '../base/philox.ts';
import { hash32 } from '../base/random.ts';
import { LATENT_RULES, type LatentRule, type Latents, latentNoise, moveLatents } from './latent.ts';
import { EDITS } from './remake.ts';

export const DONOR_RULES = ['swap', 'mix'] as const;
export type DonorRule = (typeof DONOR_RULES)[number];

export const MOVE_RULES = [...LATENT_RULES, ...DONOR_RULES] as const;
export type MoveRule = LatentRule | DonorRule;

export const needsDonor = (rule: MoveRule): rule is DonorRule => DONOR_RULES.some((each) => each === rule);

export const editSchema = z
  .enum(EDITS)
  .default('whole')
  .meta({ description: 'Make whole patches, or change the true one by the ratio of two grounds' });

/** Deviations of the smoothed noise over which a blob fades out. */
const FEATHER = 0.5;

/**
 * Random blob of cells: weights from 0 to 1, exactly 0 for cells that are not part of it.
 *
 * @param cells along each side. @param share of cells with at least half the weight.
 */
export function blob(cells: number, share: number, draw: { seed: number; offset: number }): Float32Array {
  const noise = philoxNormal(cells * cells, draw);
  const at = (y: number, x: number) => noise[bounded(y, cells) * cells + bounded(x, cells)]!;
  const smooth = noise.map((_, i) => {
    const [y, x] = [Math.floor(i / cells), i % cells];
    let sum = 0;
    for (let v = -1; v <= 1; v++) for (let u = -1; u <= 1; u++) sum += at(y + v, x + u);
    return sum / 9;
  });
  const sorted = smooth.slice().sort();
  const limit = sorted[Math.min(sorted.length - 1, Math.floor((1 - share) * sorted.length))]!;
  const spread = FEATHER * deviationOf(smooth);
  return smooth.map((value) => Math.min(Math.max((value - limit) / spread + 0.5, 0), 1));
}

const bounded = (position: number, length: number): number => Math.min(Math.max(position, 0), length - 1);

function deviationOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
}

/**
 * Code of a record, moved towards its donor's. Codes are [cells, cells, numbers] in a row.
 *
 * @param move its strength above 0 and below 1.
 */
export function movedTowards(
  { own, donor }: { own: Float32Array; donor: Float32Array },
  move: { rule: DonorRule; strength: number },
  cells: number,
  draw: { seed: number; record: number; draw: number },
): Float32Array {
  const { rule, strength } = move;
  const numbers = own.length / cells ** 2;
  const seed = hash32(JSON.stringify([draw.seed, 'blob', draw.record, draw.draw])) >>> 0;
  const weights = rule === 'swap' ? blob(cells, strength, { seed, offset: 0 }) : undefined;
  return own.map((value, i) => {
    const weight = weights ? weights[Math.floor(i / numbers)]! : strength;
    return weight === 0 ? value : Math.sqrt(1 - weight ** 2) * value + weight * donor[i]!;
  });
}

/**
 * Codes of records, moved by a rule: [records, latent]. The caller disposes of both tensors.
 *
 * @param donorOf code of the donor of a record, where the rule needs one.
 */
export async function movedCodes(
  latents: Latents,
  records: readonly number[],
  { rule, strength }: { rule: MoveRule; strength: number },
  draw: { seed: number; draw: number; cells: number | undefined },
  donorOf: (record: number, own: Float32Array) => Promise<Float32Array>,
): Promise<tf.Tensor2D> {
  const [count, latent] = latents.mu.shape;
  if (!needsDonor(rule)) {
    return tf.tidy(() => {
      const noise = tf.tensor2d(latentNoise(records, draw.draw, latent, draw.seed), [count, latent]);
      return moveLatents(latents, rule, strength, noise);
    });
  }
  const values = await latents.mu.data<'float32'>();
  const moved = new Float32Array(values.length);
  for (const [i, record] of records.entries()) {
    const own = values.slice(i * latent, (i + 1) * latent);
    const pair = { own, donor: await donorOf(record, own) };
    moved.set(movedTowards(pair, { rule, strength }, draw.cells!, { ...draw, record }), i * latent);
  }
  return tf.tensor2d(moved, [count, latent]);
}
