/**
 * Converts radar backscatter between its three units. Products differ in their unit; a model needs one of them.
 */
import { PatchError } from '../errors.ts';
import type { Raster, Unit } from './raster.ts';

export const RADAR_UNITS = ['dB', 'amplitude', 'intensity'] as const satisfies readonly Unit[];
export type RadarUnit = (typeof RADAR_UNITS)[number];

export const isRadarUnit = (unit: Unit): unit is RadarUnit => RADAR_UNITS.some((each) => each === unit);

/** NaN where the sample is no intensity: an amplitude below 0. */
const TO_INTENSITY: Record<RadarUnit, (value: number) => number> = {
  dB: (value) => 10 ** (value / 10),
  amplitude: (value) => (value < 0 ? Number.NaN : value * value),
  intensity: (value) => value,
};

/** Infinite or NaN where the intensity cannot be written in the unit. */
const FROM_INTENSITY: Record<RadarUnit, (intensity: number) => number> = {
  dB: (intensity) => 10 * Math.log10(intensity),
  amplitude: Math.sqrt,
  intensity: (intensity) => intensity,
};

/**
 * The raster in another unit: intensity = amplitude², dB = 10·log₁₀ intensity. The same raster where it is in that
 * unit.
 *
 * What the new unit cannot express becomes missing, NaN in the samples and 1 in the mask: in dB an intensity of 0 or
 * less, in amplitude an intensity below 0, and whatever is not finite. An exact 0 is how SAR products mark what was not
 * imaged, and an intensity below 0 is left where noise was subtracted from no signal; a floor would turn both into very
 * dark ground. Samples that were missing before are NaN after, whatever the file's no-data value was.
 *
 * @param where names the raster in messages.
 * @throws PatchError where one unit is a radar unit and the other is none, or both are none and differ.
 */
export function convertUnit(raster: Raster, to: Unit, where: string): Raster {
  const { unit: from, bands } = raster;
  if (from === to) return raster;
  if (!isRadarUnit(from) || !isRadarUnit(to)) throw noConversion(from, to, where);
  const [toIntensity, fromIntensity] = [TO_INTENSITY[from], FROM_INTENSITY[to]];
  const data = new Float32Array(raster.data.length);
  const noData = new Uint8Array(raster.width * raster.height);
  let isMissing = false;
  for (let pixel = 0; pixel < noData.length; pixel++) {
    let missing = raster.noData?.[pixel] === 1;
    for (let i = pixel * bands; i < (pixel + 1) * bands; i++) {
      data[i] = raster.noData?.[pixel] ? Number.NaN : fromIntensity(toIntensity(raster.data[i]!));
      if (Number.isFinite(data[i])) continue; // as float32: what overflows is missing too
      data[i] = Number.NaN;
      missing = true;
    }
    noData[pixel] = missing ? 1 : 0;
    isMissing ||= missing;
  }
  const { noData: _, ...rest } = raster;
  return { ...rest, data, unit: to, ...(isMissing && { noData }) };
}

function noConversion(from: Unit, to: Unit, where: string): PatchError {
  const named = isRadarUnit(from) ? 'Ask for dB, amplitude or intensity' : 'If these are SAR samples, name their unit';
  return new PatchError({
    ...{ action: `convert to ${to}`, file: where },
    ...{ expected: isRadarUnit(to) ? `samples in ${RADAR_UNITS.join(', ')}` : `samples in ${to}`, found: from },
    remedy: `${named} when the data are imported: \`doppel data import … --unit amplitude\`.`,
  });
}
