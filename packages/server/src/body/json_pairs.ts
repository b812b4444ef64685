/**
 * Pairs as JSON: `{"sar": IMAGE, "optical": IMAGE}` for one, `{"pairs": [{"id", "sar", "optical"}, …]}` for many. An
 * image is `{"data", "shape", "unit"}`, or bare nested arrays. The schemas also make the OpenAPI document.
 */
import { pause } from '@doppel/core/base';
import { UNITS } from '@doppel/core/raster';
import { z } from '@hono/zod-openapi';
import { explain, ProblemError, problemError } from '../problem.ts';
import { foundBySchema } from '../schema_error.ts';
import type { ImageInput, ImageOfPair } from '../scoring/scoring_service.ts';
import { brokenItem, type Item, MAX_ID_LENGTH, requireCount } from './items.ts';
import type { Limits } from './limits.ts';
import { readJson } from './read_json.ts';
import { samplesOf } from './samples.ts';

const side = z.int().min(1);

const number = { type: ['number', 'null'] } as const;
const arrayOf = <T extends object>(items: T) => ({ type: 'array', items }) as const;

/** `samplesOf` checks the elements: a schema over millions of numbers would take seconds. */
const data = z.unknown().openapi({
  description:
    'Samples, row by row, bands innermost: a flat array, nested arrays [height][width] or [height][width][bands], or ' +
    'base64 of little-endian float32. null, NaN and infinite values are missing samples.',
  anyOf: [
    { ...arrayOf(number), description: 'flat' },
    { ...arrayOf(arrayOf(number)), description: '[height][width]' },
    { ...arrayOf(arrayOf(arrayOf(number))), description: '[height][width][bands]' },
    { type: 'string', contentEncoding: 'base64', description: 'little-endian float32' },
  ],
} as object);

const imageObjectSchema = z
  .strictObject({
    data,
    shape: z
      .union([z.tuple([side, side]), z.tuple([side, side, side])])
      .optional()
      .openapi({
        ...{ type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 3, anyOf: undefined },
        description: '[height, width] or [height, width, bands]. May be left out of nested arrays and square images.',
        example: [64, 64],
      } as object),
    unit: z
      .enum(UNITS)
      .optional()
      .openapi({ description: 'Unit of the samples. Default: the unit that the model was trained on.' }),
  })
  .openapi('Image', { required: ['data'] }); // Zod takes a key of type unknown for optional

export const imageSchema = z.union([imageObjectSchema, z.array(z.unknown()).openapi({ description: 'Nested arrays' })]);

const idSchema = z.union([z.string().max(MAX_ID_LENGTH), z.number()]);

const pairSchema = z
  .strictObject({
    id: idSchema
      .optional()
      .openapi({ description: 'Comes back with the result. Default: the position of the pair, from 0.' }),
    sar: imageSchema,
    optical: imageSchema,
    window: imageSchema.optional().openapi({
      description:
        'Optical pixels around the patch, as many to each side, over which the map of ?map=true goes; its sides are ' +
        'longer by a multiple of 8, and of at most 256 pixels',
    }),
  })
  .openapi('Pair');

/** Body with many pairs, for the OpenAPI document. Its parts `Pair` and `Image` come into the document with it. */
export const pairsSchema = z.strictObject({ pairs: z.array(pairSchema) }).openapi('Pairs');

/** Milliseconds of reading after which other requests get a turn. */
const LONGEST_TURN_MS = 10;

/** Pairs are checked one by one, so that a broken pair fails alone. */
const envelopeSchema = z.strictObject({ pairs: z.array(z.unknown()) });

/** Items of a JSON body. @throws ProblemError if the body cannot be understood, or holds too many pairs. */
export async function jsonPairs(bytes: Uint8Array, limits: Limits): Promise<Item[]> {
  const body = readJson(bytes, 'read the body', REMEDY);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw malformed('a JSON object', Array.isArray(body) ? 'an array' : JSON.stringify(body).slice(0, 40));
  }
  if (!('pairs' in body)) {
    const keys = Object.keys(body);
    if (!keys.includes('sar') && !keys.includes('optical')) {
      throw malformed(
        '"sar" and "optical", or "pairs"',
        keys.length > 0 ? `the keys ${keys.slice(0, 5).join(', ')}` : 'an empty object',
      );
    }
    return [itemOf(body, 0, limits)];
  }
  const envelope = envelopeSchema.safeParse(body);
  if (!envelope.success) throw malformed('"pairs", an array', foundBySchema(envelope.error));
  const { pairs } = envelope.data;
  requireCount(pairs.length, limits);
  const items: Item[] = [];
  let begin = performance.now();
  for (const [position, pair] of pairs.entries()) {
    items.push(itemOf(pair, position, limits));
    if (performance.now() - begin < LONGEST_TURN_MS) continue;
    await pause();
    begin = performance.now();
  }
  return items;
}

const REMEDY = 'See /openapi.json for its form.';

function malformed(expected: string, found: string): ProblemError {
  const facts = explain('read the body', expected, found, REMEDY);
  return problemError('malformed-request', facts);
}

function itemOf(raw: unknown, position: number, limits: Limits): Item {
  const parsed = pairSchema.safeParse(raw);
  if (!parsed.success) {
    const expected = '"sar" and "optical", each {"data", "shape", "unit"}';
    const facts = explain(`read pair ${position}`, expected, foundBySchema(parsed.error));
    return brokenItem(givenId(raw) ?? `${position}`, { ...facts, file: fileOf(parsed.error) });
  }
  const { sar, optical, window } = parsed.data;
  const id = `${parsed.data.id ?? position}`;
  let reading: ImageOfPair = 'sar';
  try {
    const sarImage = imageOf(sar, 'sar', limits);
    reading = 'optical';
    const pair = { sar: sarImage, optical: imageOf(optical, 'optical', limits) };
    reading = 'window';
    return { id, pair: window ? { ...pair, map: { window: imageOf(window, 'window', limits) } } : pair };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { id, error: { ...error.problem, file: reading } };
  }
}

const IMAGES: readonly ImageOfPair[] = ['sar', 'optical', 'window'];

/** The only image that a schema finds fault with. */
function fileOf({ issues }: z.core.$ZodError): ImageOfPair | undefined {
  const fields = new Set(issues.map(({ path }) => path[0]));
  const [field] = fields;
  return fields.size === 1 ? IMAGES.find((image) => image === field) : undefined;
}

/** Id of a pair whose other fields are invalid. */
function givenId(raw: unknown): string | undefined {
  const given = z.object({ id: idSchema }).safeParse(raw);
  return given.success ? `${given.data.id}` : undefined;
}

export function imageOf(image: z.infer<typeof imageSchema>, name: string, { maxPixels }: Limits): ImageInput {
  if (Array.isArray(image)) return { kind: 'samples', name, ...samplesOf(image, undefined, name, maxPixels) };
  const { data: given, shape, unit } = image;
  return { kind: 'samples', name, ...samplesOf(given, shape, name, maxPixels), unit };
}
