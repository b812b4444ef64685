/** Settings of training by localisation: to find SAR templates in optical windows. */
import { z } from 'zod';

const share = z.number().min(0).max(1);

/** Ranges of random changes to standardised samples, so that a matcher does not depend on gain, haze or looks. */
export const radiometrySchema = z.strictObject({
  /** Factor 1 ± gain. */
  gain: share.default(0.15),
  /** Offset ± in standard deviations, alike for all bands. */
  offset: z.number().nonnegative().default(0.15),
  /** Offset of each band by itself. */
  bandOffset: z.number().nonnegative().default(0.1),
  /** Curvature ±, as a gamma bends tones: x + curve · (x² − 1). */
  curve: z.number().nonnegative().default(0.05),
  /** Largest standard deviation of the speckle added to SAR; in the logarithm, speckle is additive. */
  speckle: z.number().nonnegative().default(0.3),
});
export type Radiometry = z.infer<typeof radiometrySchema>;

export const localisationSchema = z.strictObject({
  /** Largest displacement of a template in its window, in pixels. */
  search: z.int().min(4).multipleOf(4).default(16),
  /** Distance from the true place, in pixels, up to which a place counts as right. */
  disc: z.number().min(1.5).default(3),
  /** Distance up to which it counts neither as right nor as wrong: scenes are aligned to a few pixels. */
  ring: z.number().default(5),
  /** Windows from one scene in a batch: hard negatives of the same kind of ground. */
  perScene: z.int().positive().default(2),
  /** Weight of the loss of the pooled descriptors. */
  descriptor: z.number().nonnegative().default(0.1),
  /** Places of the templates: as the data set has them, or repaired by `alignment.json`. */
  alignment: z.enum(['raw', 'repaired']).default('raw'),
  radiometry: radiometrySchema.prefault({}),
});
export type LocalisationSettings = z.infer<typeof localisationSchema>;
