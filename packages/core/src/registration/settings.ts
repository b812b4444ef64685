/** Settings of a registration, each with its default. */
import { z } from 'zod';
import { VIEW_COUNTS } from '../localisation/square_views.ts';
import { RADAR_UNITS } from '../raster/units.ts';
import { MODEL_KINDS } from './registration.ts';

export const FEATURE_CHOICES = ['dense', 'gradients', 'both'] as const;
export const FITS = ['auto', ...MODEL_KINDS] as const;

/** A length: pixels of the working grid or metres; bare numbers are pixels. */
const length = z.union([
  z
    .string()
    .regex(/^\d+(\.\d+)?(px|m)$/, 'must be a length such as "64px" or "600m"')
    .transform((text) => ({
      value: Number.parseFloat(text),
      unit: text.endsWith('px') ? ('px' as const) : ('m' as const),
    })),
  z.number().transform((value) => ({ value, unit: 'px' as const })),
  z.strictObject({ value: z.number(), unit: z.enum(['px', 'm']) }),
]);

const radius = length.refine(({ value }) => value > 0, 'must be above 0');
export type Length = z.output<typeof radius>;

export const registrationSettings = z.strictObject({
  /** Largest distance by which the georeferences may be off at the middle; `scene`: anywhere in the other scene. */
  radius: z.union([z.literal('scene'), radius]).prefault('64px'),
  /** Largest rotation of the georeferences against each other, in degrees. */
  rotation: z.number().min(0).max(15).default(0),
  /** Largest difference of their scales, as a share of 1. */
  scale: z.number().min(0).max(0.2).default(0),
  /** Features that are compared: cells of the matcher, oriented gradients, or places that both find. */
  features: z.enum(FEATURE_CHOICES).default('both'),
  /** Symmetries of the square under which the matcher's cells are computed: time and memory grow with them. */
  views: z.literal(VIEW_COUNTS).default(1),
  /** Model that is fitted; `auto`: chosen by cross-validation. */
  fit: z.enum(FITS).default('auto'),
  /** Cells along the longer side of the scene; default: one each 100 pixels, from 3 to 45. */
  cells: z.int().min(2).max(200).optional(),
  /** Side of a template in pixels. */
  side: z.int().min(32).max(256).multipleOf(8).default(96),
  /** Distance from the coarse place within which a template is searched for, in pixels. */
  search: z.int().min(8).max(64).multipleOf(8).default(24),
  /** Pixel of the working grid in units of its reference system; default: that of the coarser file. */
  resolution: z.number().positive().optional(),
  /** Unit of the SAR samples; default: what the file says, else amplitudes. */
  sarUnit: z.enum(RADAR_UNITS).optional(),
  /** Band of the SAR file, from 1, as GDAL and imports count. */
  sarBand: z.int().min(1).default(1),
  /** Bands of the optical file, from 1: red, green and blue, or one; default: the first three, or the only one. */
  opticalBands: z
    .array(z.int().min(1))
    .refine(({ length: count }) => count === 1 || count === 3, 'must be one band or three')
    .optional(),
  /** Correlation below which a peak is weak. */
  leastPeak: z.number().min(0).max(1).default(0.1),
  /** Ratio of the best rival to the peak above which a place is ambiguous: on validation 2 % of such are right. */
  mostRatio: z.number().min(0).max(1).default(0.8),
  /** Pixels by which the match back may miss. */
  mostBackward: z.number().positive().default(1),
  /** Pixels by which places found by both kinds of features may differ. */
  tolerance: z.number().positive().default(3),
  /** Probability of the same place below which the verifier rejects. */
  leastProbability: z.number().min(0).max(1).default(0.5),
  /** Seed of all that is drawn. */
  seed: z.int().min(0).default(0),
});

export type RegistrationSettings = z.output<typeof registrationSettings>;
export type RegistrationOptions = z.input<typeof registrationSettings>;
