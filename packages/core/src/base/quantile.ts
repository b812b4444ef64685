/**
 * Quantile of sorted values, linear between the two nearest ones (type 7 of Hyndman and Fan, as R and NumPy); NaN for none.
 *
 * @param share of the values that lie below, in [0, 1].
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}
