/** Allowed distance of a result from its reference: ‖out − expect‖ / ‖expect‖. */

/** Tolerance of one fp32 kernel. */
export const KERNEL_TOLERANCE = 1e-5;
/** Tolerance of a whole model, whose errors add up over the layers. */
export const MODEL_TOLERANCE = 1e-4;

/** ‖out − expect‖ / ‖expect‖; where expect is all zero, ‖out‖. Infinite where the lengths differ. */
export function relativeError(out: ArrayLike<number>, expect: ArrayLike<number>): number {
  if (out.length !== expect.length) return Number.POSITIVE_INFINITY;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expect.length; i++) {
    difference += (out[i]! - expect[i]!) ** 2;
    norm += expect[i]! ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

/**
 * {@link relativeError} of sums whose terms may cancel: rounding grows with the terms, not with what is left of them, so two units in the
 * last place of `magnitudes`, the sums of the terms' absolute values, pass as well. Where little cancels it is the relative error.
 */
export function relativeErrorOfSums(out: ArrayLike<number>, expect: ArrayLike<number>, magnitudes: ArrayLike<number>) {
  const norm = normOf(expect);
  return (relativeError(out, expect) * (norm || 1)) / (norm + (2 ** -23 / KERNEL_TOLERANCE) * normOf(magnitudes) || 1);
}

function normOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}
