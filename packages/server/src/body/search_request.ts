/**
 * A search as JSON, `{"gallery", "modality", "image", "k", "bbox"}`, or as multipart/form-data with the file `image` and the
 * other fields as text. The schema also makes the OpenAPI document.
 */
import type { Bounds } from '@doppel/core/gallery';
import { z } from '@hono/zod-openapi';
import { explain, type ProblemError, problemError } from '../problem.ts';
import { foundBySchema } from '../schema_error.ts';
import type { ImageInput } from '../scoring/scoring_service.ts';
import { imageOf as imageOfJson, imageSchema } from './json_pairs.ts';
import type { Limits } from './limits.ts';
import { imageOf as imageOfFile, parseForm, unitOf, type Value } from './multipart_pairs.ts';
import { type Body, isJson } from './read_items.ts';
import { readJson } from './read_json.ts';

/** Most places that a search may ask for. */
const MAX_K = 100;

const degrees = (most: number) => z.number().min(-most).max(most);

const fields = {
  gallery: z.string().max(200).optional().openapi({ description: 'Name in /v1/galleries; default: the first' }),
  modality: z
    .enum(['sar', 'optical'])
    .optional()
    .openapi({ description: 'Sensor of the patch, which a gallery does not hold: a check' }),
  k: z.int().min(1).max(MAX_K).optional().openapi({ description: 'Places to find; default: 10' }),
  bbox: z
    .tuple([degrees(180), degrees(90), degrees(180), degrees(90)])
    .refine(([, south, , north]) => south <= north, 'south must not be above north')
    .optional()
    .openapi({
      ...{ type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 },
      description:
        'Finds places whose middle lies inside: west, south, east, north in degrees; west > east across 180°',
    } as object),
};

export const searchSchema = z
  .strictObject({ ...fields, image: imageSchema })
  .openapi('Search', { required: ['image'] }); // Zod takes a key of type unknown for optional

const optionsSchema = z.strictObject(fields);

/** A search as the routes have it. */
export interface SearchRequest {
  gallery?: string | undefined;
  modality?: 'sar' | 'optical' | undefined;
  k: number;
  bbox?: Bounds | undefined;
  image: ImageInput;
}

/** @throws ProblemError if the body cannot be understood. */
export type ReadSearch = (body: Body, limits: Limits) => Promise<SearchRequest>;

/** Reads in the caller's thread. */
export const readSearch: ReadSearch = async ({ bytes, contentType }, limits) =>
  isJson(contentType) ? searchOfJson(bytes, limits) : searchOfForm(bytes, contentType);

function searchOfJson(bytes: Uint8Array, limits: Limits): SearchRequest {
  const parsed = searchSchema.safeParse(readJson(bytes, 'read the search'));
  if (!parsed.success)
    throw malformed('"image", and perhaps "gallery", "modality", "k", "bbox"', foundBySchema(parsed.error));
  const { image, ...options } = parsed.data;
  return { ...withDefaults(options), image: imageOfJson(image, 'image', limits) };
}

function searchOfForm(bytes: Uint8Array, contentType: string): SearchRequest {
  const form = new Map<string, Value>();
  for (const [name, value] of parseForm(bytes, contentType)) {
    if (form.has(name)) throw malformed('each field once', `"${name.slice(0, 60)}" twice`);
    form.set(name, value);
  }
  const file = form.get('image');
  if (file === undefined || typeof file === 'string') {
    const found = file === undefined ? 'no such field' : 'a text';
    throw malformed('an image file in "image"', found, 'With curl: -F image=@FILE, with the @.');
  }
  const unit = form.has('unit') ? unitOf(form.get('unit')!, 'unit') : undefined;
  const rest = [...form].filter(([name]) => name !== 'image' && name !== 'unit');
  const parsed = optionsSchema.safeParse(
    Object.fromEntries(rest.map(([name, value]) => [name, fromText(name, value)])),
  );
  if (!parsed.success)
    throw malformed('"gallery", "modality", "k", "bbox", "unit" as texts', foundBySchema(parsed.error));
  return { ...withDefaults(parsed.data), image: imageOfFile(file, 'image', unit) };
}

/** Value of a field; a text that is no number stays as it is, and the schema refuses it. */
function fromText(name: string, value: Value): unknown {
  if (typeof value !== 'string') return value;
  const number = (text: string) => (text.trim() === '' ? Number.NaN : Number(text));
  if (name === 'k') return number(value);
  return name === 'bbox' ? value.split(',').map(number) : value;
}

const withDefaults = ({ k = 10, ...options }: z.infer<typeof optionsSchema>) => ({ ...options, k });

function malformed(expected: string, found: string, remedy?: string): ProblemError {
  return problemError('malformed-request', explain('read the search', expected, found, remedy));
}
