/**
 * Equivalent number of looks (ENL) of a SAR image, estimated from the image alone. The speckle filter and the speckle
 * of augmentation need it; a product whose ENL differs from its specification was processed differently.
 */
import type { Raster } from './raster.ts';
import { convertUnit, isRadarUnit } from './units.ts';
import { windowSums } from './window_sums.ts';

/** Windows are 9 × 9 pixels: wide enough for a variance, small enough to lie within one field. */
const RADIUS = 4;
const SAMPLES = (2 * RADIUS + 1) ** 2;
/** Largest plausible ENL: an area of less variation is a fill value, not speckle. */
const MAX_LOOKS = 10_000;
const MIN_LOOKS = 0.01;
/** Width of a bin of ln(s²/m²). */
const BIN = 0.01;
const BINS = Math.ceil(Math.log(MAX_LOOKS / MIN_LOOKS) / BIN);
/** Minimum mean of a window in quantisation steps of integer amplitudes; below, its variance is quantisation noise. */
const MIN_STEPS = 8;
/** Minimum share of usable windows. */
const MIN_SHARE = 0.01;
/** Tolerance on a single look: an estimate from 1 − TOLERANCE is accepted. */
const TOLERANCE = 0.1;

/** Windows that lie inside the image and have no missing samples, by index. */
interface Windows {
  /** s²/m² of intensity, NaN where a sample is at the ceiling or the steps are too coarse. */
  variations: Float64Array;
  /** Highest intensity that the file can hold, over the window's mean; infinite where there is no such ceiling. */
  headroom: Float64Array;
}

/**
 * Mean² / variance of intensity on homogeneous ground: the mode over all 9 × 9 windows, since texture spreads the
 * windows on it widely, and homogeneous ground concentrates them (Anfinsen, Doulgeris and Eltoft, Estimation of the
 * equivalent number of looks in polarimetric synthetic aperture radar imagery, IEEE Transactions on Geoscience and
 * Remote Sensing 47(11), 2009). The density is that of ln(s²/m²), smoothed by its standard deviation under pure
 * speckle.
 *
 * Over n samples of gamma speckle, s/m does not depend on m, so that s²/m² has the mean n / (n·L + 1); L follows from
 * the mean about the mode. Speckle that correlates between pixels varies less within a window and counts for more
 * looks.
 *
 * Left out are windows with missing samples or zeros; those near the ceiling of a file's range (the maximum, where
 * several samples share it), which would seem too homogeneous; and those of integer amplitudes of a few steps.
 *
 * @returns undefined if the unit is no radar unit, too few windows are left, or no ground is homogeneous: the windows
 * vary by more than a single look would.
 */
export function equivalentNumberOfLooks(raster: Raster): number | undefined {
  if (!isRadarUnit(raster.unit)) return undefined;
  const intensity = convertUnit(raster, 'intensity', 'looks');
  const step = hasWholeAmplitudes(raster) ? 1 : 0;
  const windows = Array.from({ length: raster.bands }, (_, band) => windowsOf(intensity, band, step));
  const first = estimate(windows, 0);
  // About one window of such speckle in 50 has a sample at this multiple of its mean.
  return first && estimate(windows, 1 + 4 / Math.sqrt(first) + 3 / first);
}

/** Estimates the ENL from the windows with a minimum headroom. */
function estimate(windows: readonly Windows[], minHeadroom: number): number | undefined {
  const histogram = new Float64Array(BINS);
  let [all, used] = [0, 0];
  for (const { variations, headroom } of windows) {
    all += variations.length;
    for (let i = 0; i < variations.length; i++) {
      const bin = Math.floor(Math.log(variations[i]! * MAX_LOOKS) / BIN);
      if (!(headroom[i]! >= minHeadroom && bin >= 0 && bin < BINS)) continue;
      histogram[bin]! += 1;
      used++;
    }
  }
  if (used === 0 || used < all * MIN_SHARE) return undefined;
  const looks = 1 / meanAbout(histogram, modeOf(histogram)) - 1 / SAMPLES;
  const error = scatter(1) / Math.sqrt(Math.max(1, used / SAMPLES)); // number of windows that do not overlap
  return looks >= 1 - Math.max(TOLERANCE, 2 * error) ? looks : undefined;
}

/** Standard deviation of ln(s²/m²) over windows of gamma speckle, by the delta method. */
const scatter = (looks: number) => Math.sqrt((2 + 2 / looks) / SAMPLES);

const variationOf = (bin: number) => Math.exp((bin + 0.5) * BIN) / MAX_LOOKS;

/** Normal density by the distance from each bin, as wide as speckle scatters there, up to three deviations. */
let densities: readonly Float64Array[] | undefined;

const densityAround = (_: unknown, bin: number) => {
  const width = scatter(1 / variationOf(bin)) / BIN;
  const away = Array.from({ length: Math.floor(3 * width) + 1 }, (_, distance) => distance / width);
  return Float64Array.from(away, (deviations) => Math.exp(-0.5 * deviations ** 2) / width);
};

/** Bin around which most windows lie. */
function modeOf(histogram: Float64Array): number {
  densities ??= Array.from({ length: BINS }, densityAround);
  const [first, last] = [histogram.findIndex(Boolean), histogram.findLastIndex(Boolean)];
  let [highest, mode] = [0, 0];
  for (let bin = 0; bin < BINS; bin++) {
    const around = densities[bin]!;
    const end = Math.min(last, bin + around.length - 1);
    let density = 0;
    for (let near = Math.max(first, bin - around.length + 1); near <= end; near++) {
      density += histogram[near]! * around[Math.abs(near - bin)]!;
    }
    if (density > highest) [highest, mode] = [density, bin];
  }
  return mode;
}

/** Mean s²/m² of the windows that lie about the mode as far as speckle scatters. */
function meanAbout(histogram: Float64Array, mode: number): number {
  const reach = (2 * scatter(1 / variationOf(mode))) / BIN;
  let [sum, count] = [0, 0];
  for (let bin = Math.max(0, Math.ceil(mode - reach)); bin <= Math.min(BINS - 1, mode + reach); bin++) {
    sum += histogram[bin]! * variationOf(bin);
    count += histogram[bin]!;
  }
  return sum / count;
}

/** @param step of the amplitudes, 0 where they are not whole numbers. */
function windowsOf({ data, noData, width, height, bands }: Raster, band: number, step: number): Windows {
  const intensity = new Float64Array(width * height);
  for (let pixel = 0; pixel < intensity.length; pixel++) {
    const value = data[pixel * bands + band]!;
    if (!noData?.[pixel] && Number.isFinite(value) && value > 0) intensity[pixel] = value; // a zero is no backscatter
  }
  const ceiling = ceilingOf(intensity);
  const sumsOf = (of: (value: number) => number) => windowSums(intensity.map(of), width, height, RADIUS);
  const valid = sumsOf((value) => (value > 0 ? 1 : 0));
  const clipped = sumsOf((value) => (value >= ceiling ? 1 : 0));
  const sums = sumsOf((value) => value);
  const squareSums = sumsOf((value) => value * value);
  const [variations, headroom] = [new Float64Array(valid.length), new Float64Array(valid.length)];
  let count = 0;
  for (let pixel = 0; pixel < valid.length; pixel++) {
    if (valid[pixel]! < SAMPLES) continue;
    const mean = sums[pixel]! / SAMPLES;
    // Rounding an amplitude a adds step²/12 to its variance (Sheppard), and (2·a)² times that to the intensity's.
    const rounding = (mean * step * step) / 3;
    const variance = (squareSums[pixel]! - sums[pixel]! * mean) / (SAMPLES - 1) - rounding;
    const isUsable = clipped[pixel] === 0 && mean >= (MIN_STEPS * step) ** 2;
    variations[count] = isUsable ? variance / mean ** 2 : Number.NaN;
    headroom[count] = ceiling / mean;
    count++;
  }
  return { variations: variations.subarray(0, count), headroom: headroom.subarray(0, count) };
}

/**
 * Ceiling of the range: the maximum if several samples share it, as backscatter does not repeat exactly; else infinite.
 */
function ceilingOf(intensity: Float64Array): number {
  let [maximum, count] = [0, 0];
  for (const value of intensity) {
    if (value > maximum) [maximum, count] = [value, 0];
    if (value === maximum) count++;
  }
  return count > 1 ? maximum : Number.POSITIVE_INFINITY;
}

const hasWholeAmplitudes = ({ unit, data, noData, bands }: Raster) =>
  unit === 'amplitude' && data.every((value, i) => Number.isInteger(value) || noData?.[Math.floor(i / bands)] === 1);
