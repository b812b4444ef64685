/**
 * Kernel distance between two sets of features: the squared maximum mean discrepancy with the kernel
 *
 *   k(x, y) = (x·y / d + 1)³
 *
 * M. Bińkowski, D. Sutherland, M. Arbel and A. Gretton, Demystifying MMD GANs, ICLR 2018. The estimate is unbiased, so
 * two halves of one distribution give about 0, positive or negative. The paper uses the features of Inception; here the
 * caller passes the features.
 */
import { pause } from '../../base/pause.ts';

/** Rows of `width` numbers. */
export interface FeatureRows {
  data: Float32Array;
  count: number;
  width: number;
}

export interface KernelDistance {
  value: number;
  /** Standard error of the value, by the jackknife; null for fewer than four rows. */
  error: number | null;
}

/** Rows that are compared with each other at a time: bounds the time, which grows with their square. */
const BLOCK_ROWS = 1000;

/**
 * The mean over blocks of rows. Within one, the standard error is that of a U-statistic: with
 * h(i, j) = k(xᵢ, xⱼ) + k(yᵢ, yⱼ) − k(xᵢ, yⱼ) − k(xⱼ, yᵢ) and its means hᵢ over j ≠ i, twice that of the mean of hᵢ.
 *
 * @param a, b as many rows each, at least two, in random order.
 */
export async function kernelDistance(a: FeatureRows, b: FeatureRows, signal?: AbortSignal): Promise<KernelDistance> {
  if (a.width !== b.width || a.count !== b.count || a.count < 2) {
    throw new RangeError(`${a.count} × ${a.width} features against ${b.count} × ${b.width}`);
  }
  const blocks = Math.ceil(a.count / BLOCK_ROWS);
  const found: { value: number; variance: number }[] = [];
  for (let block = 0; block < blocks; block++) {
    await pause(signal);
    const [first, end] = [block, block + 1].map((at) => Math.floor((at * a.count) / blocks)) as [number, number];
    found.push(unbiasedMmd(a, b, first, end));
  }
  const total = (pick: (each: (typeof found)[number]) => number) => found.reduce((sum, each) => sum + pick(each), 0);
  return {
    value: total(({ value }) => value) / blocks,
    error: a.count < 4 ? null : Math.sqrt(total(({ variance }) => variance)) / blocks,
  };
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

/** Unbiased squared distance over the rows from `first` to before `end`, and its variance. */
function unbiasedMmd(a: FeatureRows, b: FeatureRows, first: number, end: number): { value: number; variance: number } {
  const n = end - first;
  let [within, between] = [0, 0];
  /** Σ h(i, j) over j ≠ i. */
  const rows = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const same = kernel(a, first + i, a, first + j) + kernel(b, first + i, b, first + j);
      const other = kernel(a, first + i, b, first + j) + kernel(a, first + j, b, first + i);
      within += 2 * same;
      between += other;
      rows[i]! += same - other;
      rows[j]! += same - other;
    }
    between += kernel(a, first + i, b, first + i);
  }
  const means = rows.map((sum) => sum / (n - 1));
  const mean = means.reduce((sum, each) => sum + each, 0) / n;
  const spread = means.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (n - 1);
  return { value: within / (n * (n - 1)) - (2 * between) / (n * n), variance: (4 * spread) / n };
}

function kernel(a: FeatureRows, i: number, b: FeatureRows, j: number): number {
  const [startA, startB] = [i * a.width, j * b.width];
  let product = 0;
  for (let k = 0; k < a.width; k++) product += a.data[startA + k]! * b.data[startB + k]!;
  return (product / a.width + 1) ** 3;
}
