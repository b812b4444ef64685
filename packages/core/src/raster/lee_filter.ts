/**
 * Lee speckle filter by local statistics: speckle is multiplicative, so homogeneous ground is smoothed and structure
 * that varies by more than speckle is kept. J.-S. Lee, Digital image enhancement and noise filtering by use of local
 * statistics, IEEE Transactions on Pattern Analysis and Machine Intelligence 2(2), 1980, section III (multiplicative
 * noise).
 */
import { PatchError, UsageError } from '../errors.ts';
import type { Raster } from './raster.ts';
import { convertUnit } from './units.ts';
import { windowSums } from './window_sums.ts';

export interface LeeOptions {
  /** Side of the window in pixels: odd, at least 3. */
  window: number;
  /** Equivalent number of looks, above 0. */
  looks: number;
}

/**
 * With z = x·v, mean of v 1 and its variance σ²: x̂ = z̄ + k·(z − z̄), k = Q / (Q + σ²·z̄²), where
 * Q = (var z + z̄²) / (1 + σ²) − z̄² is the local variance of x, not below 0.
 *
 * Intensity has σ² = 1/looks. Amplitude has that of the root of such an intensity; digital numbers are treated as
 * amplitudes, the usual form of products. dB is filtered as intensity. At the border, and beside missing samples, the
 * statistics are those of the samples that exist; missing ones stay missing.
 *
 * @throws UsageError where the window is even or below 3, or looks are not above 0.
 * @throws PatchError for reflectance, which has no speckle.
 */
export function leeFilter(raster: Raster, options: LeeOptions): Raster {
  requireUsable(options);
  const { unit } = raster;
  if (unit === 'dB') {
    return convertUnit(leeFilter(convertUnit(raster, 'intensity', 'Lee filter'), options), 'dB', 'Lee filter');
  }
  if (unit === 'reflectance') {
    throw new PatchError({
      ...{ action: 'filter speckle', expected: 'samples of a radar', found: unit },
      remedy: 'Filter the SAR patch, or import it with the unit that it is in.',
    });
  }
  const noise = unit === 'intensity' ? 1 / options.looks : amplitudeVariation(options.looks);
  const data = raster.data.slice();
  for (let band = 0; band < raster.bands; band++) filterBand(raster, band, { ...options, noise }, data);
  return { ...raster, data };
}

/**
 * Squared coefficient of variation of √(gamma(L)/L), the amplitude of L looks averaged in intensity:
 * Γ(L)·Γ(L+1) / Γ(L+½)² − 1; 4/π − 1 for a single look.
 */
export function amplitudeVariation(looks: number): number {
  // With R(L) = Γ(L)·Γ(L+1) / Γ(L+½)²: R(L) = R(L+1)·(L+½)² / (L·(L+1)), up to where the series of Γ(L+1)/Γ(L+½) holds.
  let factor = 1;
  let l = looks;
  for (; l < 16; l++) factor *= (l + 0.5) ** 2 / (l * (l + 1));
  const root = 1 + 1 / (8 * l) + 1 / (128 * l ** 2) - 5 / (1024 * l ** 3) - 21 / (32768 * l ** 4);
  return factor * root ** 2 - 1;
}

/** Writes into `data`, [height, width, bands]. */
function filterBand(
  raster: Raster,
  band: number,
  { window, noise }: { window: number; noise: number },
  data: Float32Array,
): void {
  const { width, height, bands } = raster;
  const radius = (window - 1) / 2;
  const [valid, values, squares] = [0, 0, 0].map(() => new Float64Array(width * height)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let pixel = 0; pixel < valid.length; pixel++) {
    const value = raster.data[pixel * bands + band]!;
    if (raster.noData?.[pixel] || !Number.isFinite(value)) continue;
    valid[pixel] = 1;
    values[pixel] = value;
    squares[pixel] = value * value;
  }
  const [counts, sums, squareSums] = [valid, values, squares].map((each) =>
    windowSums(each, width, height, radius),
  ) as [Float64Array, Float64Array, Float64Array];
  for (let pixel = 0; pixel < valid.length; pixel++) {
    if (valid[pixel] === 0) continue;
    const mean = sums[pixel]! / counts[pixel]!;
    const signal = Math.max(0, squareSums[pixel]! / counts[pixel]! / (1 + noise) - mean * mean);
    const weight = signal === 0 ? 0 : signal / (signal + noise * mean * mean);
    data[pixel * bands + band] = mean + weight * (values[pixel]! - mean);
  }
}

function requireUsable({ window, looks }: LeeOptions): void {
  if (!Number.isInteger(window) || window < 3 || window % 2 === 0) {
    throw new UsageError({ action: 'use the Lee filter', expected: 'an odd window of at least 3', found: `${window}` });
  }
  if (!(looks > 0 && Number.isFinite(looks))) {
    throw new UsageError({ action: 'use the Lee filter', expected: 'looks above 0', found: `${looks}` });
  }
}
