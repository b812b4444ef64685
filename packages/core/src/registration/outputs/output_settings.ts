/** Settings of the files of a registration, as commands and requests name them. */
import { z } from 'zod';
import { utcTime } from '../../raster/acquisition_time.ts';
import type { RegistrationSettings } from '../settings.ts';
import { LATTICES } from './aligned_grid.ts';
import { SIDES } from './moved.ts';
import { RESAMPLINGS } from './resampler.ts';
import type { OutputOptions } from './write_outputs.ts';

export const outputSettings = z.strictObject({
  /** Scene that moves onto the other; `none`: no aligned scene. */
  align: z.enum([...SIDES, 'none']).default('optical'),
  /** Interpolation of the aligned scene. */
  resampling: z.enum(RESAMPLINGS).default('bicubic'),
  /** Pixels of the aligned scene. */
  lattice: z.enum(LATTICES).default('snapped'),
  /** Leaves the pixels alone and corrects the geotransform. */
  geotransformOnly: z.boolean().default(false),
  /** Acquisition time of the aligned scene, for its STAC item; default: what its file or its name says. */
  datetime: z
    .string()
    .refine((text) => utcTime(text) !== undefined, 'no date with its time')
    .optional(),
});
export type OutputSettings = z.output<typeof outputSettings>;

/** Options of the writer. @param given with the unit of the SAR samples, which is a setting of the registration. */
export function outputOptions(given: OutputSettings & Pick<RegistrationSettings, 'sarUnit'>): OutputOptions {
  const { align, resampling, lattice, geotransformOnly, datetime, sarUnit } = given;
  return {
    ...(align === 'none' ? { alignedScene: false } : { align }),
    ...{ resampling, lattice, geotransformOnly, datetime, sar: { unit: sarUnit } },
  };
}
