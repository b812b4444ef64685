/**
 * Similarity of patches, the inverse of a generator's diversity: multi-scale structural similarity, averaged over
 * random pairs of different patches. Z. Wang, E. Simoncelli and A. Bovik, Multi-scale structural similarity for image
 * quality assessment, Asilomar 2003; as a measure of diversity A. Odena, C. Olah and J. Shlens, ICML 2017.
 *
 *   MS-SSIM = mean(l · cs)^{w_M} at the last scale M · Π_{j<M} mean(cs)^{w_j},
 *   l = (2 μx μy + C1) / (μx² + μy² + C1),   cs = (2 σxy + C2) / (σx² + σy² + C2)
 *
 * with an 11 × 11 Gaussian window (σ 1.5), C1 = 0.01², C2 = 0.03² for a dynamic range of 1. A scale is the one before
 * averaged over 2 × 2 pixels. Where mean cs of a scale is negative it counts as 0.
 */
import { pause } from '../../base/pause.ts';
import { Rng } from '../../base/random.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';

/** Weights of the scales from the paper, the finest first. */
const WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333] as const;
const WINDOW = 11;
const SIGMA = 1.5;
const [C1, C2] = [0.01 ** 2, 0.03 ** 2];

const gaussian = (() => {
  const raw = Float64Array.from({ length: WINDOW }, (_, i) =>
    Math.exp(-((i - (WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2)),
  );
  const sum = raw.reduce((all, value) => all + value, 0);
  return raw.map((value) => value / sum);
})();

/** Weights of the scales that a window fits in, at most five, with sum 1. @throws RangeError below 11 pixels. */
export function scaleWeights(side: number): number[] {
  const used = WEIGHTS.filter((_, scale) => Math.floor(side / 2 ** scale) >= WINDOW);
  if (used.length === 0) throw new RangeError(`MS-SSIM needs patches of at least ${WINDOW} pixels, not ${side}`);
  const sum = used.reduce((all, weight) => all + weight, 0);
  return used.map((weight) => weight / sum);
}

/** Similarity of two square images of a dynamic range of 1: 1 where they are the same. */
export function msSsim(a: ArrayLike<number>, b: ArrayLike<number>, side: number): number {
  const weights = scaleWeights(side);
  let [x, y]: [Float64Array, Float64Array] = [Float64Array.from(a), Float64Array.from(b)];
  let [size, product] = [side, 1];
  for (const [scale, weight] of weights.entries()) {
    const { structure, whole } = similarity(x, y, size);
    const isLast = scale === weights.length - 1;
    product *= Math.max(0, isLast ? whole : structure) ** weight;
    if (!isLast) [x, y, size] = [halved(x, size), halved(y, size), Math.floor(size / 2)];
  }
  return product;
}

/** Dynamic range: values beyond are moved to its ends. */
export interface ValueRange {
  low: number;
  high: number;
}

export interface Diversity {
  /** Mean MS-SSIM of random pairs: 1 where all patches are the same; the lower, the more they vary. */
  mean: number;
  error: number;
  pairs: number;
}

/** Mean similarity over random pairs, at most all pairs. @throws the signal's reason when it is aborted. */
export async function diversity(
  stack: PatchStack,
  { low, high }: ValueRange,
  { pairs: wanted = 1000, seed = 1, signal }: { pairs?: number; seed?: number; signal?: AbortSignal | undefined } = {},
): Promise<Diversity> {
  const pairs = Math.min(wanted, (stack.count * (stack.count - 1)) / 2);
  const rng = Rng.derive(seed, 'diversity');
  const scaled = (row: number) =>
    patchAt(stack, row).map((value) => Math.min(Math.max((value - low) / (high - low), 0), 1));
  let [sum, squares] = [0, 0];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 32 === 0) await pause(signal);
    const first = rng.int(stack.count);
    const second = (first + 1 + rng.int(stack.count - 1)) % stack.count;
    const value = msSsim(scaled(first), scaled(second), stack.side);
    sum += value;
    squares += value * value;
  }
  const mean = sum / pairs;
  return { mean, error: Math.sqrt(Math.max(0, squares / pairs - mean * mean) / pairs), pairs };
}

/** Means over the image of cs and of l · cs; windows lie inside. */
function similarity(x: Float64Array, y: Float64Array, side: number): { structure: number; whole: number } {
  const smooth = (value: (i: number) => number) => filtered(value, side);
  const [mx, my] = [smooth((i) => x[i]!), smooth((i) => y[i]!)];
  const [xx, yy, xy] = [smooth((i) => x[i]! ** 2), smooth((i) => y[i]! ** 2), smooth((i) => x[i]! * y[i]!)];
  let [structure, whole] = [0, 0];
  for (let i = 0; i < mx.length; i++) {
    const [a, b] = [mx[i]!, my[i]!];
    const cs = (2 * (xy[i]! - a * b) + C2) / (xx[i]! - a * a + yy[i]! - b * b + C2);
    structure += cs;
    whole += ((2 * a * b + C1) / (a * a + b * b + C1)) * cs;
  }
  return { structure: structure / mx.length, whole: whole / mx.length };
}

/** [side − 10, side − 10], rows first, then columns. */
function filtered(value: (i: number) => number, side: number): Float64Array {
  const inner = side - WINDOW + 1;
  const rows = new Float64Array(side * inner);
  for (let y = 0; y < side; y++) {
    const line = new Float64Array(side);
    for (let x = 0; x < side; x++) line[x] = value(y * side + x);
    for (let x = 0; x < inner; x++) {
      let sum = 0;
      for (let t = 0; t < WINDOW; t++) sum += gaussian[t]! * line[x + t]!;
      rows[y * inner + x] = sum;
    }
  }
  const out = new Float64Array(inner * inner);
  for (let y = 0; y < inner; y++) {
    for (let x = 0; x < inner; x++) {
      let sum = 0;
      for (let t = 0; t < WINDOW; t++) sum += gaussian[t]! * rows[(y + t) * inner + x]!;
      out[y * inner + x] = sum;
    }
  }
  return out;
}

function halved(image: Float64Array, side: number): Float64Array {
  const half = Math.floor(side / 2);
  const out = new Float64Array(half * half);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const at = 2 * y * side + 2 * x;
      out[y * half + x] = (image[at]! + image[at + 1]! + image[at + side]! + image[at + side + 1]!) / 4;
    }
  }
  return out;
}
