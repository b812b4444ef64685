/**
 * How many independent looks the speckle of a SAR image is worth, from the image alone. A speckle filter and the noise of
 * augmentation take the number; a product whose number is not what its maker says was treated differently.
 */
import type { Raster } from './raster.ts';
import { convertUnit, isRadarUnit } from './units.ts';
import { windowSums } from './window_sums.ts';

/** Windows are 9 × 9 pixels: wide enough for a variance, small enough to lie within one field. */
const RADIUS = 4;
const SAMPLES = (2 * RADIUS + 1) ** 2;
/** No product averages so much: ground that is evener is fill, not speckle. */
const MAX_LOOKS = 10_000;
const MIN_LOOKS = 0.01;
/** Width of a bin of ln(s²/m²). */
const BIN = 0.01;
const BINS = Math.ceil(Math.log(MAX_LOOKS / MIN_LOOKS) / BIN);
/** Steps of a whole-numbered amplitude that a window's mean must reach, for its variance to mean anything. */
const MIN_STEPS = 8;
/** Share of the windows that must be of use. */
const MIN_SHARE = 0.01;
/** By how much a single look may seem to be less, at least. */
const TOLERANCE = 0.1;

/** Windows that lie inside and miss nothing, one an index. */
interface Windows {
  /** s²/m² of intensity, NaN where a sample is at the ceiling or the steps are too coarse. */
  variations: Float64Array;
  /** Highest intensity that the file can hold, over the window's mean; infinite where there is no such ceiling. */
  headroom: Float64Array;
}

/**
 * Mean² / variance of intensity on even ground: the mode over all 9 × 9 windows, since texture spreads the windows on it
 * far and wide, and even ground gathers them (Anfinsen, Doulgeris and Eltoft, Estimation of the equivalent number of looks
 * in polarimetric synthetic aperture radar imagery, IEEE Transactions on Geoscience and Remote Sensing 47(11), 2009). The
 * density is that of ln(s²/m²), smoothed by as much as it scatters where there is speckle only.
 *
 * Over n samples of gamma speckle, s/m does not depend on m, so that s²/m² has the mean n / (n·L + 1); L follows from the
 * mean about the mode. Speckle that correlates between pixels varies less within a window and counts for more looks.
 *
 * Left out are windows with missing samples or zeros; those near the ceiling of a file's range (the maximum, where several
 * samples share it), which would seem evener than they are; and those of whole-numbered amplitudes of a few steps.
 *
 * @returns Undefined where the unit is no radar unit, too few windows are left, or no ground is even: where the windows
 * vary by more than a single look would.
 */
export function equivalentNumberOfLooks(raster: Raster): number | undefined {
  if (!isRadarUnit(raster.unit)) return undefined;
  const intensity = convertUnit(raster, 'intensity', 'looks');
  const step = hasWholeAmplitudes(raster) ? 1 : 0;
  const windows = Array.from({ length: raster.bands }, (_, band) => windowsOf(intensity, band, step));
  const first = estimate(windows, 0);
  // One window of such speckle in about 50 reaches so many times its mean anywhere.
  return first && estimate(windows, 1 + 4 / Math.sqrt(first) + 3 / first);
}

/** From the windows whose headroom is at least so much. */
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
  const error = scatter(1) / Math.sqrt(Math.max(1, used / SAMPLES)); // windows overlap; so many do not
  return looks >= 1 - Math.max(TOLERANCE, 2 * error) ? looks : undefined;
}

/** Standard deviation of ln(s²/m²) over windows of gamma speckle, by the delta method. */
const scatter = (looks: number) => Math.sqrt((2 + 2 / looks) / SAMPLES);

const variationOf = (bin: number) => Math.exp((bin + 0.5) * BIN) / MAX_LOOKS;

/** The bin around which most windows lie. */
function modeOf(histogram: Float64Array): number {
  let [highest, mode] = [0, 0];
  for (let bin = 0; bin < BINS; bin++) {
    const width = scatter(1 / variationOf(bin)) / BIN;
    const end = Math.min(BINS - 1, bin + 3 * width);
    let density = 0;
    for (let near = Math.max(0, Math.ceil(bin - 3 * width)); near <= end; near++) {
      if (histogram[near] !== 0) density += (histogram[near]! * Math.exp(-0.5 * ((near - bin) / width) ** 2)) / width;
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

/** The maximum where several samples share it: real backscatter does not repeat itself. Else infinite. */
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
