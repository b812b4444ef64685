/** `/v1/galleries` and `POST /v1/search`: the places of a patch in many scenes. */
import { type FoundPlace, otherSensor, placesGeojson, tileName } from '@doppel/core/gallery';
import { UNITS } from '@doppel/core/raster';
import { createRoute, z } from '@hono/zod-openapi';
import type { Limits } from '../body/limits.ts';
import { readBody } from '../body/read_body.ts';
import { requireKnownType } from '../body/read_items.ts';
import type { ReadSearch, SearchRequest } from '../body/search_request.ts';
import type { GalleryDescription, GalleryService, SearchFailure } from '../gallery/gallery_service.ts';
import { explain, type ProblemError, problemError, problemSchema } from '../problem.ts';
import type { Replaceable } from '../scoring/replaceable.ts';
import { endpoint, json, notReady, problemJson } from './answers.ts';
import type { ServerMetrics } from './metrics.ts';
import type { ScoringRequests } from './scoring_requests.ts';

export interface GalleryDeps {
  /** Undefined: the server was started without. */
  galleries: Replaceable<GalleryService> | undefined;
  limits: Limits;
  readSearch: ReadSearch;
  requests: ScoringRequests;
  metrics: ServerMetrics | undefined;
}

const bounds = () =>
  z.tuple([z.number(), z.number(), z.number(), z.number()]).openapi({
    ...{ type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 },
    description: 'West, south, east, north in degrees',
  } as object);

export const gallerySchema = z
  .object({
    name: z.string(),
    tiles: z.int().openapi({ description: 'Places that are searched' }),
    model: z.string(),
    fingerprint: z.string().openapi({ description: 'SHA-256 of the checkpoint as hex' }),
    side: z.int().openapi({ description: 'Patch side in pixels that the model was calibrated for' }),
    metresPerPixel: z.number().nullable(),
    bbox: bounds().nullable(),
    modality: z.enum(['sar', 'optical']).openapi({ description: 'Sensor of the scenes; patches are of the other one' }),
  })
  .openapi('Gallery');

const position = z.array(z.number());
export const placesSchema = z
  .object({
    type: z.literal('FeatureCollection'),
    features: z.array(
      z.object({
        type: z.literal('Feature'),
        geometry: z.object({ type: z.literal('Polygon'), coordinates: z.array(z.array(position)) }).nullable(),
        properties: z.object({
          rank: z.int().openapi({ description: 'From 1' }),
          score: z.number().openapi({ description: 'Logit of the patch and the pixels of the place' }),
          probability: z.number().openapi({ description: 'Calibrated probability of a match' }),
          similarity: z
            .number()
            .openapi({ description: 'Correlation of the patch and the place, by which places are ranked' }),
          scene: z.string(),
          window: z.object({ x: z.int(), y: z.int(), side: z.int() }).openapi({ description: 'Pixels of the scene' }),
          picture: z.string().openapi({ description: 'Path of the picture of the place' }),
        }),
      }),
    ),
  })
  .openapi('Places', { description: 'GeoJSON (RFC 7946): footprints in WGS 84, the best place first' });

const list = createRoute({
  ...{ method: 'get', path: '/v1/galleries', operationId: 'galleries', summary: 'Galleries; the first is the default' },
  responses: {
    200: json('Galleries', z.object({ galleries: z.array(gallerySchema) }).openapi('Galleries')),
    503: problemJson('The galleries are being opened', problemSchema),
  },
});

const text = { type: 'string' as const };
const form = {
  ...{ type: 'object' as const, required: ['image'], additionalProperties: false },
  properties: {
    image: { ...text, contentMediaType: 'application/octet-stream', description: 'GeoTIFF, PNG or JPEG' },
    ...{ gallery: text, modality: { ...text, enum: ['sar', 'optical'] }, k: text },
    bbox: { ...text, description: 'west,south,east,north' },
    unit: { ...text, enum: [...UNITS], description: 'Unit of the image, where the file does not state it' },
  },
};

const searchRoute = createRoute({
  ...{ method: 'post', path: '/v1/search', operationId: 'search', summary: 'Find the places that a patch may show' },
  request: {
    body: {
      required: true,
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/Search' } },
        'multipart/form-data': { schema: form },
      },
    },
  },
  responses: {
    200: { description: 'Places, the best first', content: { 'application/geo+json': { schema: placesSchema } } },
    400: problemJson('The search cannot be understood', problemSchema),
    404: problemJson('There is no such gallery', problemSchema),
    408: problemJson('The request took too long to arrive', problemSchema),
    413: problemJson('Too many bytes or pixels', problemSchema),
    415: problemJson('Neither JSON nor multipart', problemSchema),
    422: problemJson('The image cannot be used', problemSchema),
    503: problemJson('Too much to do, or a scene of the gallery is missing', problemSchema),
    504: problemJson('The search took too long', problemSchema),
  },
});

const pictureRoute = createRoute({
  ...{
    method: 'get',
    path: '/v1/galleries/{name}/pictures/{tile}',
    operationId: 'picture',
    summary: 'Picture of a place',
  },
  request: {
    params: z.object({
      name: z.string().openapi({ param: { name: 'name', in: 'path' } }),
      tile: z.string().openapi({ param: { name: 'tile', in: 'path' }, description: 'As in the answer to a search' }),
    }),
  },
  responses: {
    200: { description: 'PNG', content: { 'image/png': { schema: z.string().openapi({ format: 'binary' }) } } },
    404: problemJson('There is no such gallery or tile', problemSchema),
    503: problemJson('A scene of the gallery is missing', problemSchema),
  },
});

export function galleries(deps: GalleryDeps) {
  const described = () => {
    if (deps.galleries && !deps.galleries.value.ready()) throw notReady();
    return deps.galleries?.value.describe() ?? [];
  };
  return [
    endpoint(list, 'search', (c) => c.json({ galleries: described().map(listed) }, 200)),
    endpoint(searchRoute, 'search', async (c) => {
      const begin = performance.now();
      const took = (outcome: 'found' | 'failed') =>
        deps.metrics?.searched({ outcome, seconds: (performance.now() - begin) / 1000 });
      try {
        const places = await search(c.req.raw, deps);
        took('found');
        return c.json(places, 200, { 'content-type': 'application/geo+json' });
      } catch (error) {
        took('failed');
        throw error;
      }
    }),
    endpoint(pictureRoute, 'search', async (c) => {
      const { name, tile } = c.req.valid('param');
      const bytes = await picture(c.req.raw.signal, name, tile, deps);
      return c.body(bytes, 200, { 'content-type': 'image/png', 'cache-control': 'private, max-age=3600' });
    }),
  ] as const;
}

const listed = ({ bbox, digest: _, ...rest }: GalleryDescription) => ({
  ...rest,
  bbox: bbox && ([...bbox] as [number, number, number, number]),
});

async function search(request: Request, deps: GalleryDeps) {
  return deps.requests.frame(request.signal, {
    read: (signal) => readRequest(request, deps, signal),
    answer: async ({ gallery: named, modality, ...rest }, signal) => {
      if (!deps.galleries) throw unknown(named, []);
      return deps.galleries.use(async (service) => {
        if (!service.ready()) throw notReady();
        const gallery = chosen(service.describe(), named);
        requireModality(gallery, modality);
        const outcome = await service.search({ gallery: gallery.name, ...rest }, signal);
        if ('error' in outcome) throw failure(outcome.error);
        return placesGeojson(outcome.places, (place) => ({ picture: pathOf(gallery.name, place) }));
      });
    },
  });
}

async function readRequest(
  request: Request,
  { limits, readSearch }: GalleryDeps,
  signal: AbortSignal,
): Promise<SearchRequest> {
  const contentType = request.headers.get('content-type') ?? '';
  requireKnownType(contentType);
  const bytes = await readBody(request, limits.maxBytes, signal);
  return readSearch({ bytes, contentType }, limits);
}

function picture(client: AbortSignal, name: string, tile: string, deps: GalleryDeps): Promise<Uint8Array<ArrayBuffer>> {
  return deps.requests.frame(client, {
    read: async () => {},
    answer: async (_, signal) => {
      if (!deps.galleries) throw unknown(name, []);
      return deps.galleries.use(async (service) => {
        if (!service.ready()) throw notReady();
        const outcome = await service.picture(chosen(service.describe(), name).name, tile, signal);
        if ('error' in outcome) throw failure(outcome.error);
        if (outcome.picture) return outcome.picture as Uint8Array<ArrayBuffer>;
        throw problemError('not-found', { detail: `The gallery ${name} has no tile "${tile.slice(0, 64)}".` });
      });
    },
  });
}

const pathOf = (gallery: string, place: FoundPlace) => `/v1/galleries/${gallery}/pictures/${tileName(place)}`;

/** Gallery of this name, or the first. @throws ProblemError (404) */
function chosen(all: readonly GalleryDescription[], name: string | undefined): GalleryDescription {
  const found = name === undefined ? all[0] : all.find((gallery) => gallery.name === name);
  if (found) return found;
  throw unknown(name, all);
}

function unknown(name: string | undefined, all: readonly GalleryDescription[]): ProblemError {
  const known = all.map((gallery) => gallery.name).join(', ');
  const asked = name === undefined ? 'no gallery' : `no gallery "${name.slice(0, 64)}"`;
  const hint = known ? `The galleries are ${known}.` : 'The operator adds one by `--gallery NAME=FOLDER`.';
  return problemError('not-found', { detail: `There is ${asked}. ${hint}` });
}

/** @throws ProblemError (400) if the patch is of the gallery's own sensor. */
function requireModality({ name, modality }: GalleryDescription, given: 'sar' | 'optical' | undefined): void {
  if (given === undefined || given !== modality) return;
  const expected = `a patch of the modality ${otherSensor(modality)}`;
  throw problemError('malformed-request', explain(`search ${name}`, expected, given));
}

const failure = ({ problem, ...facts }: SearchFailure): ProblemError => problemError(problem, facts);
