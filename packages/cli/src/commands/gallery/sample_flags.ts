/** Flags that say what the samples of scenes are, where files do not. */
import { UNITS } from '@doppel/core/raster';
import { z } from 'zod';
import { choice, whole } from '../../flags.ts';

export const SAMPLE_FLAGS = {
  unit: choice(UNITS, 'Unit of the samples, where the files do not say it').optional(),
  sarBand: whole(1, 'Band of SAR scenes, counted from 1; needed where they have several').optional(),
  opticalBands: z
    .array(z.int().min(1))
    .optional()
    .meta({
      ...{ hint: 'bands', expected: 'one band, or red, green and blue, as 4,3,2' },
      description: 'Band of optical scenes, or red, green and blue, counted from 1; needed where they have others',
    }),
};

/** Bands counted from 0. */
export const bandsFrom = (
  { sarBand, opticalBands }: { sarBand?: number | undefined; opticalBands?: readonly number[] | undefined },
  modality: 'sar' | 'optical',
): number[] | undefined =>
  modality === 'sar' ? (sarBand === undefined ? undefined : [sarBand - 1]) : opticalBands?.map((band) => band - 1);
