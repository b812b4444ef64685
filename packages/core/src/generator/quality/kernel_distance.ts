/**
 * Kernel distance between two sets of features: the squared maximum mean discrepancy with the kernel
 *
 *   k(x, y) = (x·y / d + 1)³
 *
 * M. Bińkowski, D. Sutherland, M. Arbel and A. Gretton, Demystifying MMD GANs, ICLR 2018. The estimate is unbiased, so two
 * halves of one distribution give about 0, either side of it. There the features are those of Inception; here whoever calls
 * says which.
 */
import { pause } from '../../pause.ts';
import { Rng } from '../../random.ts';

/** Rows of `width` numbers. */
export interface FeatureRows {
  data: Float32Array;
  count: number;
  width: number;
}

export interface KernelDistance {
  value: number;
  /** Standard error of the value, from how the blocks differ; null where there are fewer than two. */
  error: number | null;
}

/** Sets are cut into at least so many blocks, for the standard error, and blocks of at most so many rows, for the time. */
const BLOCKS = 10;
const BLOCK_ROWS = 1000;

/**
 * The mean of unbiased estimates over disjoint blocks of rows, dealt out by the seed.
 *
 * @param a, b as many rows each, at least two.
 */
export async function kernelDistance(
  a: FeatureRows,
  b: FeatureRows,
  { seed = 1, signal }: { seed?: number; signal?: AbortSignal | undefined } = {},
): Promise<KernelDistance> {
  if (a.width !== b.width || a.count !== b.count || a.count < 2) {
    throw new RangeError(`${a.count} × ${a.width} features against ${b.count} × ${b.width}`);
  }
  const blocks = Math.min(Math.max(BLOCKS, Math.ceil(a.count / BLOCK_ROWS)), Math.floor(a.count / 2));
  const [rowsA, rowsB] = [dealt(a.count, Rng.derive(seed, 'kernel', 0)), dealt(b.count, Rng.derive(seed, 'kernel', 1))];
  const estimates: number[] = [];
  for (let block = 0; block < blocks; block++) {
    await pause(signal);
    const part = (rows: readonly number[]) =>
      rows.slice(Math.floor((block * rows.length) / blocks), Math.floor(((block + 1) * rows.length) / blocks));
    estimates.push(unbiasedMmd(a, part(rowsA), b, part(rowsB)));
  }
  const value = mean(estimates);
  if (blocks < 2) return { value, error: null };
  const variance = estimates.reduce((sum, each) => sum + (each - value) ** 2, 0) / (blocks - 1);
  return { value, error: Math.sqrt(variance / blocks) };
}

/** All rows divided by one number, so that the mean square of a feature is 1 in `reference`. */
export function featureScale(reference: readonly FeatureRows[]): number {
  let [squares, count] = [0, 0];
  for (const { data } of reference) {
    for (const value of data) squares += value * value;
    count += data.length;
  }
  return squares > 0 ? Math.sqrt(squares / count) : 1;
}

const dealt = (count: number, rng: Rng) => rng.shuffle(Array.from({ length: count }, (_, i) => i));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function unbiasedMmd(a: FeatureRows, rowsA: readonly number[], b: FeatureRows, rowsB: readonly number[]): number {
  return meanWithin(a, rowsA) + meanWithin(b, rowsB) - 2 * meanBetween(a, rowsA, b, rowsB);
}

/** Mean kernel of different rows. */
function meanWithin(set: FeatureRows, rows: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) for (let j = 0; j < i; j++) sum += kernel(set, rows[i]!, set, rows[j]!);
  return (2 * sum) / (rows.length * (rows.length - 1));
}

function meanBetween(a: FeatureRows, rowsA: readonly number[], b: FeatureRows, rowsB: readonly number[]): number {
  let sum = 0;
  for (const i of rowsA) for (const j of rowsB) sum += kernel(a, i, b, j);
  return sum / (rowsA.length * rowsB.length);
}

function kernel(a: FeatureRows, i: number, b: FeatureRows, j: number): number {
  const [startA, startB] = [i * a.width, j * b.width];
  let product = 0;
  for (let k = 0; k < a.width; k++) product += a.data[startA + k]! * b.data[startB + k]!;
  return (product / a.width + 1) ** 3;
}
