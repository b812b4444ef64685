/**
 * One scale for samples of any product: each band divided by its 99 % quantile over the scene, clipped, times 255. The data of
 * the matcher in the box were made so, and gradients do not mind.
 */
import { quantile } from '../base/quantile.ts';
import type { Raster } from '../raster/raster.ts';
import { convertUnit, isRadarUnit } from '../raster/units.ts';
import type { RasterWindow } from '../raster/window.ts';

export type ReadWindow = (window: RasterWindow) => Promise<Raster>;

/** Windows of a scene whose samples are counted: along each axis, and their side. */
const [STEPS, SIDE] = [5, 96];
const TOP = 0.99;

/** 99 % quantile of each band; undefined where no sample is valid. Radar samples count as amplitudes. */
export async function levelsOf(
  read: ReadWindow,
  { column, row, width, height }: RasterWindow,
  isSar: boolean,
  name: string,
): Promise<number[] | undefined> {
  const values: { samples: Float32Array; count: number }[] = [];
  const [across, down] = [Math.min(SIDE, width), Math.min(SIDE, height)];
  for (let i = 0; i < STEPS * STEPS; i++) {
    const [u, v] = [(i % STEPS) / (STEPS - 1), Math.floor(i / STEPS) / (STEPS - 1)];
    const [left, top] = [column + Math.round(u * (width - across)), row + Math.round(v * (height - down))];
    const raster = inAmplitude(await read({ column: left, row: top, width: across, height: down }), isSar, name);
    for (let pixel = 0; pixel < across * down; pixel++) {
      if (raster.noData?.[pixel]) continue;
      for (let band = 0; band < raster.bands; band++) {
        values[band] ??= { samples: new Float32Array(STEPS * STEPS * across * down), count: 0 };
        values[band]!.samples[values[band]!.count++] = raster.data[pixel * raster.bands + band]!;
      }
    }
  }
  if (values.length === 0) return undefined;
  return values.map(({ samples, count }) => quantile(samples.subarray(0, count).sort(), TOP));
}

/** The raster on the common scale, as digital numbers from 0 to 255. */
export function levelled(raster: Raster, levels: readonly number[], isSar: boolean, name: string): Raster {
  const { data, bands, width, height, noData } = inAmplitude(raster, isSar, name);
  const scaled = new Float32Array(data.length);
  const factors = levels.map((level) => (level > 0 ? 255 / level : 1));
  for (let i = 0; i < data.length; i++) scaled[i] = Math.min(255, Math.max(0, data[i]! * factors[i % bands]!));
  return { data: scaled, width, height, bands, unit: 'digital number', ...(noData && { noData }) };
}

const inAmplitude = (raster: Raster, isSar: boolean, name: string) =>
  isSar && isRadarUnit(raster.unit) ? convertUnit(raster, 'amplitude', name) : raster;
