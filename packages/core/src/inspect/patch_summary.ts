/**
 * Summary of one patch: share of missing pixels, statistics of its samples, and shares of saturated samples. Summaries
 * are small, so that a data set of any size is inspected in one pass.
 */

import { shareMissing } from '../raster/missing.ts';
import type { Raster } from '../raster/raster.ts';

export interface PatchSummary {
  /** Share of pixels without data, in [0, 1]. */
  missing: number;
  /** Mean of the valid samples, all bands together; NaN where there are none. */
  mean: number;
  std: number;
  low: number;
  high: number;
  /** Shares of the valid samples that are equal to `low` and to `high`. */
  atLow: number;
  atHigh: number;
}

export function summarise(raster: Raster): PatchSummary {
  const samples = validSamples(raster);
  let [low, high, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of samples) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  const mean = sum / samples.length;
  let [squares, lows, highs] = [0, 0, 0];
  for (const value of samples) {
    squares += (value - mean) ** 2;
    if (value === low) lows++;
    if (value === high) highs++;
  }
  const count = samples.length;
  return {
    missing: Math.max(shareMissing(raster), 1 - count / raster.data.length),
    ...{ mean, std: Math.sqrt(squares / count) },
    ...(count > 0 ? { low, high } : { low: Number.NaN, high: Number.NaN }),
    ...{ atLow: lows / count, atHigh: highs / count },
  };
}

/** Samples that are finite and not masked; at most about `room` of them, evenly spread. */
export function validSamples(
  { data, bands, noData }: Pick<Raster, 'data' | 'bands' | 'noData'>,
  room = data.length,
): Float32Array {
  let step = Math.max(1, Math.ceil(data.length / Math.max(1, room)));
  if (step > 1 && bands > 1 && step % bands === 0) step++; // else it would always sample the same band
  const valid = new Float32Array(Math.ceil(data.length / step));
  let count = 0;
  for (let i = 0; i < data.length; i += step) {
    const value = data[i]!;
    if (Number.isFinite(value) && !noData?.[Math.floor(i / bands)]) valid[count++] = value;
  }
  return valid.subarray(0, count);
}
