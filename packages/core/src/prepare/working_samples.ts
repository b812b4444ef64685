/**
 * A patch in its working form: the unit, speckle filter and bands of a normalisation, NaN where samples are missing.
 * Clipping limits and statistics are measured on these samples, then applied to them.
 */
import { PatchError } from '../errors.ts';
import { leeFilter } from '../raster/lee_filter.ts';
import type { Raster } from '../raster/raster.ts';
import { convertUnit } from '../raster/units.ts';
import type { Modality, Normalisation } from './normalisation.ts';

/** Luma of ITU-R BT.601. */
export const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * [side, side, channels]; channels is 3 for `rgb`, else 1.
 *
 * @param where names the patch in messages.
 * @throws PatchError if size or bands differ from the model's, the unit cannot be converted, or no sample is valid.
 */
export function workingSamples(
  raster: Raster,
  modality: Modality,
  normalisation: Normalisation,
  where: string,
): Float32Array {
  requireSize(raster, normalisation.side, where);
  const samples = workingWindow(raster, modality, normalisation, where);
  if (!samples.some(Number.isFinite)) {
    throw new PatchError({
      ...{ action: 'use the patch', file: where },
      ...{ expected: 'valid samples', found: 'none: all are NaN or no-data' },
      remedy: 'Choose another patch; `doppel data inspect` lists such patches of a data set.',
    });
  }
  return samples;
}

/**
 * Samples of a window of any size, as `workingSamples`; all may be missing.
 *
 * @throws PatchError if bands differ from the model's, or the unit cannot be converted.
 */
export const workingWindow = (
  raster: Raster,
  modality: Modality,
  normalisation: Normalisation,
  where: string,
): Float32Array =>
  modality === 'sar' ? sarSamples(raster, normalisation.sar, where) : opticalSamples(raster, normalisation, where);

function sarSamples(
  raster: Raster,
  { source, unit, speckleFilter }: Normalisation['sar'],
  where: string,
): Float32Array {
  if (raster.bands !== 1) {
    throw new PatchError({
      ...{ action: 'use the SAR patch', file: where, expected: '1 band', found: `${raster.bands} bands` },
      remedy: 'Choose one polarisation beforehand.',
    });
  }
  const stated: Raster = raster.unit === 'digital number' ? { ...raster, unit: source } : raster;
  const converted = convertUnit(stated, unit, where);
  const filtered = speckleFilter ? leeFilter(converted, speckleFilter) : converted;
  return withoutMissing(filtered);
}

function opticalSamples(raster: Raster, { optical }: Normalisation, where: string): Float32Array {
  const { bands } = raster;
  const usable = optical.bands === 'rgb' ? [3] : [1, 3];
  if (!usable.includes(bands)) {
    throw new PatchError({
      ...{ action: 'use the optical patch', file: where },
      ...{ expected: `${usable.join(' or ')} band(s)`, found: `${bands}` },
      remedy:
        optical.bands === 'rgb'
          ? 'The model wants red, green and blue.'
          : 'Give red, green and blue, or one gray band.',
    });
  }
  const samples = withoutMissing(raster);
  if (optical.bands === 'rgb' || bands === 1) return samples;
  const gray = new Float32Array(raster.width * raster.height);
  for (let pixel = 0; pixel < gray.length; pixel++) {
    gray[pixel] = LUMA[0] * samples[pixel * 3]! + LUMA[1] * samples[pixel * 3 + 1]! + LUMA[2] * samples[pixel * 3 + 2]!;
  }
  return gray;
}

/** A copy with NaN where the mask, or the sample itself, says that nothing is there. */
function withoutMissing({ data, bands, noData }: Raster): Float32Array {
  const samples = data.slice();
  for (let i = 0; i < samples.length; i++) if (!Number.isFinite(samples[i])) samples[i] = Number.NaN;
  noData?.forEach((isMissing, pixel) => {
    if (isMissing) samples.fill(Number.NaN, pixel * bands, (pixel + 1) * bands);
  });
  return samples;
}

function requireSize({ width, height }: Raster, side: number, where: string): void {
  if (width === side && height === side) return;
  throw new PatchError({
    ...{ action: 'use the patch', file: where },
    ...{ expected: `${side} × ${side} pixels`, found: `${width} × ${height}` },
    remedy: 'Cut the patch to that size, at the resolution of the training data.',
  });
}
