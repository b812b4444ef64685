/** Wasserstein-1 distance between numbers: how far values must be moved on average for one set to become the other. */

/** Exact, of samples that need not be as many. Values in any order, all finite. */
export function wasserstein(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length === 0 || b.length === 0) return Number.NaN;
  const [x, y] = [Float64Array.from(a).sort(), Float64Array.from(b).sort()];
  // Area between the two quantile functions, piece by piece.
  let [sum, from, i, j] = [0, 0, 0, 0];
  while (i < x.length && j < y.length) {
    const [endX, endY] = [(i + 1) / x.length, (j + 1) / y.length];
    const to = Math.min(endX, endY);
    sum += (to - from) * Math.abs(x[i]! - y[j]!);
    from = to;
    // Compared as whole numbers, for the ends may differ by rounding.
    const order = (i + 1) * y.length - (j + 1) * x.length;
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return sum;
}

/** Counts of values over bins of equal width. */
export interface Histogram {
  low: number;
  high: number;
  counts: Float64Array;
}

/** Values beyond the ends count in the outermost bins. */
export function histogramOf(values: ArrayLike<number>, low: number, high: number, bins: number): Histogram {
  const counts = new Float64Array(bins);
  const scale = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    counts[Math.max(0, Math.min(bins - 1, Math.floor((values[i]! - low) * scale)))]! += 1;
  }
  return { low, high, counts };
}

/** Area between the two cumulative shares: the Wasserstein-1 distance up to the width of a bin. Of the same bins. */
export function histogramDistance(a: Histogram, b: Histogram): number {
  const [totalA, totalB] = [total(a), total(b)];
  let [sum, difference] = [0, 0];
  for (let bin = 0; bin < a.counts.length; bin++) {
    difference += a.counts[bin]! / totalA - b.counts[bin]! / totalB;
    sum += Math.abs(difference);
  }
  return (sum * (a.high - a.low)) / a.counts.length;
}

/** Counts of several together, of the same bins. */
export function merge(histograms: readonly Histogram[]): Histogram {
  const { low, high, counts } = histograms[0]!;
  return { low, high, counts: counts.map((_, bin) => histograms.reduce((sum, each) => sum + each.counts[bin]!, 0)) };
}

/** The upper end of the bin in which so large a share of the values is reached. @param share in [0, 1] */
export function quantileOf(histogram: Histogram, share: number): number {
  const { low, high, counts } = histogram;
  const wanted = share * total(histogram);
  let sum = 0;
  const bin = counts.findIndex((count) => {
    sum += count;
    return sum >= wanted;
  });
  return low + ((Math.max(0, bin) + 1) * (high - low)) / counts.length;
}

const total = ({ counts }: Histogram) => counts.reduce((sum, count) => sum + count, 0);
