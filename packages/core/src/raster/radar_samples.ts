/** Samples of radar patches that are changed in their own unit: which are missing, and how changed ones are written. */
import type { Raster, Unit } from './raster.ts';
import { isRadarUnit } from './units.ts';

/** Unit of samples. @param source unit of those that do not say it. */
export const statedUnit = ({ unit }: Pick<Raster, 'unit'>, source: Unit): Unit =>
  unit === 'digital number' ? source : unit;

/** True for amplitude and intensity, where a sample of 0 or less is missing. */
export const isPower = (unit: Unit): boolean => isRadarUnit(unit) && unit !== 'dB';

/** True where a sample is masked, not finite, or no backscatter in its unit. @param i index of the sample. */
export function isMissing({ data, noData, bands }: Raster, i: number, unit: Unit): boolean {
  if (noData?.[Math.floor(i / bands)] === 1 || !Number.isFinite(data[i])) return true;
  return isPower(unit) && data[i]! <= 0;
}

/**
 * Changed samples, rounded where all of the source are whole numbers. Amplitude or intensity above 0 stays at 1 or more:
 * 0 means missing.
 */
export function roundedAs(source: Raster, changed: Float32Array, unit: Unit): Float32Array {
  const isWhole = source.data.every((value) => Number.isInteger(value) || !Number.isFinite(value));
  if (!isWhole) return changed;
  return changed.map((value) => (isPower(unit) && value > 0 ? Math.max(1, Math.round(value)) : Math.round(value)));
}
