/** `transform.json`: a registration without its points, by which other files of the same scene are corrected. */
import { z } from 'zod';
import { parseJson } from '../../base/parse_json.ts';
import { FormatError } from '../../errors.ts';
import { readText, type Store } from '../../store.ts';
import { MODEL_KINDS, QUALITY_FIGURES, REASONS, type Registration } from '../registration.ts';

const finite = z.number();
const position = z.tuple([finite, finite]);
const figures = Object.fromEntries(QUALITY_FIGURES.map((name) => [name, finite])) as Record<
  (typeof QUALITY_FIGURES)[number],
  z.ZodNumber
>;
const intervals = Object.fromEntries(QUALITY_FIGURES.map((name) => [name, position])) as Record<
  (typeof QUALITY_FIGURES)[number],
  typeof position
>;
const sceneSchema = z.strictObject({
  file: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  crs: z.string().min(1),
});

const mapSchema = z.strictObject({
  kind: z.enum(MODEL_KINDS),
  origin: position,
  scale: z.number().positive(),
  x: z.array(finite).min(3),
  y: z.array(finite).min(3),
  knots: z.strictObject({ at: z.array(position), x: z.array(finite), y: z.array(finite) }).optional(),
});

const transformSchema = z.strictObject({
  doppel: z.literal('registration'),
  version: z.literal(1),
  status: z.enum(['trusted', 'refused']),
  reason: z.string().optional(),
  caveats: z.array(z.string()).optional(),
  sar: sceneSchema,
  optical: sceneSchema,
  grid: z.strictObject({
    crs: z.string().min(1),
    transform: z.array(finite).length(6),
    width: z.int().positive(),
    height: z.int().positive(),
    metres: z.number().positive(),
  }),
  features: z.enum(['dense', 'gradients', 'both']),
  matcher: z.strictObject({ name: z.string(), fingerprint: z.string() }).optional(),
  radius: z.number().positive(),
  coarse: z
    .strictObject({
      ...{ column: finite, row: finite, rotation: finite, scale: finite },
      agreeing: z.int().nonnegative(),
      windows: z.int().nonnegative(),
    })
    .optional(),
  /** Points by their reason. */
  points: z.partialRecord(z.enum(REASONS), z.int().nonnegative()),
  ladder: z.array(
    z.strictObject({
      kind: z.enum(MODEL_KINDS),
      parameters: z.int().positive(),
      crossValidated: finite.optional(),
      inliers: z.int().nonnegative(),
      chosen: z.boolean(),
    }),
  ),
  /** Ground as the optical file states it → ground as the SAR file states it. */
  correction: z.strictObject({ crs: z.string().min(1), map: mapSchema }).optional(),
  /** 3 × 3: optical pixels → SAR pixels. */
  matrix: z.array(z.array(finite).length(3)).length(3).optional(),
  quality: z
    .strictObject({
      ...{ unit: z.literal('m'), pixel: finite, heldOut: z.int().nonnegative(), ...figures },
      ...{ before: z.strictObject(figures), intervals: z.strictObject(intervals) },
    })
    .optional(),
  tests: z
    .array(
      z.strictObject({
        name: z.string(),
        /** Null where it is beyond all bounds, as the uncertainty of a map that its points do not determine. */
        value: finite.nullable(),
        ...{ limit: finite, isMost: z.boolean(), passed: z.boolean() },
      }),
    )
    .optional(),
  seconds: z.number().nonnegative(),
});
export type TransformFile = z.infer<typeof transformSchema>;

export function formatTransform({ points, ...rest }: Registration): string {
  const counts = REASONS.flatMap((reason) => {
    const count = points.filter((point) => point.reason === reason).length;
    return count > 0 ? [[reason, count] as const] : [];
  });
  const file = { doppel: 'registration', version: 1, ...rest, points: Object.fromEntries(counts) };
  return `${JSON.stringify(transformSchema.parse(withoutAbsent(file)), null, 2)}\n`;
}

/** Value as JSON has it: without absent fields, and with null for a test's value that is not finite. */
function withoutAbsent(value: unknown): unknown {
  const isAbsent = (key: string, each: unknown) =>
    each === null || (typeof each === 'number' && !Number.isFinite(each) && key !== 'value');
  return JSON.parse(JSON.stringify(value, (key, each) => (isAbsent(key, each) ? undefined : each)));
}

/** @throws FileError where there is none. @throws FormatError where it is invalid. */
export async function readTransform(store: Store, file: string): Promise<TransformFile> {
  return parseJson(transformSchema, await readText(store, file), (found, cause) => {
    return new FormatError({
      ...{ action: 'read', file, expected: 'a transform of a registration (version 1)', found, cause },
      remedy: 'Register the scenes again: `doppel register`.',
    });
  });
}
