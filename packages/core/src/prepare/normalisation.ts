/**
 * How patches become the numbers that a matcher sees. What is decided from the training split is stored in the
 * checkpoint and applied again at scoring, so that a model never sees pixels prepared differently from those of its
 * training.
 *
 * The order: unit, speckle filter, clipping, standardising. `preparePatch` of prepared_patches.ts applies it.
 */
import { z } from 'zod';
import { UNITS } from '../raster/raster.ts';

export const MODALITIES = ['sar', 'optical'] as const;
export type Modality = (typeof MODALITIES)[number];

/**
 * - `patch`: each patch has mean 0 and standard deviation 1, over all its valid samples
 * - `dataset`: by mean and standard deviation of the training split
 */
export const standardiseSchema = z.enum(['patch', 'dataset']);

export const speckleFilterSchema = z.strictObject({
  kind: z.literal('lee'),
  /** Window side length in pixels, odd. */
  window: z
    .int()
    .min(3)
    .refine((side) => side % 2 === 1, 'must be odd'),
  /** Equivalent number of looks of the patches. */
  looks: z.number().positive(),
});

/** Range that values are limited to, in the working unit. */
const clip = z
  .strictObject({ low: z.number(), high: z.number() })
  .refine(({ low, high }) => low < high, 'low must be below high')
  .nullable();

/** Mean and standard deviation of the training split after clipping; present if patches are standardised by them. */
const statistics = { mean: z.number().optional(), std: z.number().positive().optional() };

const hasStatistics = (spec: { standardise: string; mean?: number | undefined; std?: number | undefined }) =>
  spec.standardise === 'patch' || (spec.mean !== undefined && spec.std !== undefined);

export const normalisationSchema = z.strictObject({
  version: z.literal(1),
  /** Patch side length in pixels. */
  side: z.int().positive(),
  sar: z
    .strictObject({
      /**
       * Unit of the training patches. Images that do not say what their samples are (digital numbers) are taken to be
       * the same.
       */
      source: z.enum(UNITS),
      /** Working unit, which samples are converted to first. */
      unit: z.enum(UNITS),
      bands: z.literal(1),
      speckleFilter: speckleFilterSchema.nullable(),
      ...{ clip, standardise: standardiseSchema, ...statistics },
    })
    .refine(hasStatistics, 'standardise "dataset" needs mean and std'),
  optical: z
    .strictObject({
      /** `gray`: luma of red, green and blue, or the only band. */
      bands: z.enum(['gray', 'rgb']),
      ...{ clip, standardise: standardiseSchema, ...statistics },
    })
    .refine(hasStatistics, 'standardise "dataset" needs mean and std'),
});
export type Normalisation = z.infer<typeof normalisationSchema>;
