/**
 * Reliability of probabilities: pairs are binned by their probability; in each bin the mean probability is compared
 * with the observed share of matches.
 */

export interface ReliabilityBin {
  /** The bin holds probabilities in [from, to), the last one also 1. */
  from: number;
  to: number;
  /** Pairs (or their weight). */
  count: number;
  /** Mean probability given; NaN where the bin is empty. */
  predicted: number;
  /** Share of positives; NaN where the bin is empty. */
  observed: number;
}

export const RELIABILITY_BINS = 15;

/** Bins of equal width over [0, 1]. @param weights how often each pair counts [pairs]; absent: once. */
export function reliability(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  { bins = RELIABILITY_BINS, weights }: { bins?: number; weights?: ArrayLike<number> } = {},
): ReliabilityBin[] {
  const [counts, sums, positives] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
  for (let i = 0; i < probabilities.length; i++) {
    const bin = Math.min(Math.floor(probabilities[i]! * bins), bins - 1);
    const weight = weights === undefined ? 1 : weights[i]!;
    counts[bin]! += weight;
    sums[bin]! += weight * probabilities[i]!;
    positives[bin]! += weight * labels[i]!;
  }
  return Array.from(counts, (count, bin) => ({
    from: bin / bins,
    to: (bin + 1) / bins,
    count,
    predicted: sums[bin]! / count,
    observed: positives[bin]! / count,
  }));
}

/**
 * Expected calibration error: Σ over the bins of (pairs in the bin / pairs)·|predicted − observed|, of the probability
 * of a match (Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, 2015). In [0, 1].
 */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  let [sum, total] = [0, 0];
  for (const { count, predicted, observed } of bins) {
    if (count === 0) continue;
    sum += count * Math.abs(predicted - observed);
    total += count;
  }
  return sum / total;
}
