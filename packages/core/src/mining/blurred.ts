/** Patches behind a Gaussian filter, in the unit of the real one. */
import { gaussian } from '../localisation/gaussian.ts';
import { isMissing, roundedAs, statedUnit } from '../raster/radar_samples.ts';
import type { Raster, Unit } from '../raster/raster.ts';

/** Decibels of a ratio of ten. */
const DECIBELS: Partial<Record<Unit, number>> = { amplitude: 20, intensity: 10 };

/**
 * Patch behind a Gaussian filter, linear in dB where samples have a radar unit. Missing samples stay as they are and give
 * nothing to their neighbours; where the source holds whole numbers, samples are rounded.
 *
 * @param deviation in pixels. @param source unit of samples that do not say theirs.
 */
export function blurred(raster: Raster, deviation: number, source: Unit): Raster {
  const { width, height, bands } = raster;
  const unit = statedUnit(raster, source);
  const factor = DECIBELS[unit];
  const valid = Float32Array.from(raster.data, (_, i) => (isMissing(raster, i, unit) ? 0 : 1));
  const values = raster.data.map((value, i) => {
    if (valid[i] === 0) return 0;
    return factor === undefined ? value : factor * Math.log10(value);
  });
  const [sums, weights] = [values, valid].map((image) => gaussian(image, width, height, bands, deviation));
  const data = raster.data.map((value, i) => {
    if (valid[i] === 0) return value;
    const mean = sums![i]! / weights![i]!;
    return factor === undefined ? mean : 10 ** (mean / factor);
  });
  return { ...raster, data: roundedAs(raster, data, unit) };
}
