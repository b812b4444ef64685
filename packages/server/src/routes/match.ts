/** `POST /v1/match`: scores for pairs of patches. A pair that cannot be scored fails alone. */
import { UNITS } from '@doppel/core/raster';
import { createRoute, z } from '@hono/zod-openapi';
import type { Item } from '../body/items.ts';
import type { Limits } from '../body/limits.ts';
import { readBody } from '../body/read_body.ts';
import { type ReadItems, requireKnownType } from '../body/read_items.ts';
import { type Problem, ProblemError, problemOf, problemSchema } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { PairOutcome, ScoringService } from '../scoring/scoring_service.ts';
import { endpoint, json, problemJson } from './answers.ts';
import { chosenModel, modelQuery } from './chosen_model.ts';
import type { ServerMetrics } from './metrics.ts';
import type { ScoringRequests } from './scoring_requests.ts';

const text = { type: 'string' as const };
const file = { ...text, contentMediaType: 'application/octet-stream' };
const fileOrFiles = { anyOf: [file, { type: 'array' as const, items: file }] };

const multipart = {
  type: 'object' as const,
  properties: {
    sar: { ...fileOrFiles, description: 'GeoTIFF, PNG or JPEG; repeated for many pairs' },
    optical: { ...fileOrFiles, description: 'As many as in `sar`, in the same order' },
    id: { anyOf: [text, { type: 'array' as const, items: text }], description: 'One for each pair' },
    sarUnit: { ...text, enum: [...UNITS], description: 'Unit of all SAR images, where the files do not state it' },
  },
  patternProperties: {
    '^(sar|optical)\\[[0-9]+\\]$': { ...file, description: 'Instead of repeated fields: paired by number' },
    '^id\\[[0-9]+\\]$': text,
  },
  additionalProperties: false,
};

/**
 * References, as a schema here would make Hono parse and validate whole bodies on the event loop. `readItems` applies
 * `pairSchema` to one pair at a time.
 */
const jsonBody = { anyOf: [{ $ref: '#/components/schemas/Pair' }, { $ref: '#/components/schemas/Pairs' }] };

const score = {
  score: z.number().openapi({ description: 'Logit of a match minus logit of none, uncalibrated' }),
  probability: z.number().min(0).max(1).openapi({ description: 'Calibrated probability of a match' }),
  match: z.boolean().openapi({ description: 'Whether the probability is at least the threshold' }),
  threshold: z.number().openapi({ description: 'A probability, chosen on the validation split' }),
};
const mapSchema = z
  .object({
    values: z.array(z.number()).openapi({ description: 'Row by row, −1 to 1; the middle is no displacement' }),
    width: z.int(),
    height: z.int(),
    stride: z.int().openapi({ description: 'Pixels between two values' }),
    radius: z.int().openapi({ description: 'Pixels from the middle within which the score takes the peak' }),
  })
  .openapi('PairMap', { description: 'Correlations of the SAR patch at displacements of the optical one' });
const scoredSchema = z
  .object({
    ...{ id: z.string(), ...score },
    map: mapSchema.optional().openapi({ description: 'With ?map=true, of a matcher that has one' }),
  })
  .openapi('Scored');
const failedSchema = z.object({ id: z.string(), error: problemSchema }).openapi('Failed');

export const matchSchema = z
  .object({
    results: z
      .array(z.union([scoredSchema, failedSchema]))
      .openapi({ description: 'One for each pair, in the order of the request' }),
    backend: z.string().openapi({ description: 'The backend that computed the scores', example: 'wasm' }),
    model: z.string().openapi({ description: 'Name of the checkpoint', example: 'best.safetensors' }),
    modelFingerprint: z.string().openapi({ description: 'SHA-256 of the checkpoint as hex' }),
    ...z.object(score).partial().shape,
  })
  .openapi('Match', {
    description:
      'At least one pair has a score. Of a request for one pair, score, probability, match and threshold are at the top ' +
      'level too, as `doppel score --json` prints them.',
  });
type Match = z.infer<typeof matchSchema>;
type Result = Match['results'][number];

/** Answer to a request in which no pair could be scored. */
export const failedMatchSchema = problemSchema
  .extend({ results: z.array(failedSchema).optional() })
  .openapi('FailedMatch', { description: 'A problem of the request, or of each of its pairs' });

const route = createRoute({
  ...{ method: 'post', path: '/v1/match', operationId: 'match' },
  summary: 'Score pairs of a SAR and an optical patch',
  request: {
    query: modelQuery.extend({
      map: z.enum(['true', 'false']).optional().openapi({ description: 'Whether to answer correlation maps, too' }),
    }),
    body: {
      required: true,
      content: { 'application/json': { schema: jsonBody }, 'multipart/form-data': { schema: multipart } },
    },
  },
  responses: {
    200: json('Scores; a pair that has none has its error in its place', matchSchema),
    400: problemJson('The request, or its only pair, cannot be understood', failedMatchSchema),
    404: problemJson('There is no such model', problemSchema),
    408: problemJson('The request took too long to arrive', problemSchema),
    413: problemJson('Too many bytes, pairs or pixels', failedMatchSchema),
    415: problemJson('Neither JSON nor multipart', problemSchema),
    422: problemJson('No pair could be scored; `results` holds the error of each', failedMatchSchema),
    500: problemJson('The scoring failed', problemSchema),
    503: problemJson('Not ready, or too much to do: see Retry-After', problemSchema),
    504: problemJson('Scoring took too long', problemSchema),
  },
});

export interface MatchDeps {
  models: Models;
  limits: Limits;
  readItems: ReadItems;
  requests: ScoringRequests;
  metrics: ServerMetrics | undefined;
}

export const match = (deps: MatchDeps) =>
  endpoint(route, 'match', async (c) => {
    const { model: named, map } = c.req.valid('query');
    const model = chosenModel(deps.models, named);
    const scored = await deps.requests.run(c.req.raw.signal, {
      model,
      read: (signal) => itemsOf(c.req.raw, deps, signal),
      answer: (items, scoring, signal) => matchOf(withMaps(items, map === 'true'), scoring, signal, deps.metrics),
    });
    return c.json(scored, 200);
  });

/** Items that all ask for maps, or none. */
const withMaps = (items: readonly Item[], areWanted: boolean): Item[] =>
  items.map((item) => {
    if (!('pair' in item)) return item;
    const { map = {}, ...pair } = item.pair;
    return { id: item.id, pair: areWanted ? { ...pair, map } : pair };
  });

/** @throws ProblemError if no pair could be scored. */
async function matchOf(
  items: readonly Item[],
  scoring: ScoringService,
  signal: AbortSignal,
  metrics: ServerMetrics | undefined,
): Promise<Match> {
  const results = await scoreItems(items, scoring, signal);
  const failed = results.filter((result) => 'error' in result);
  metrics?.pairs({ scored: results.length - failed.length, failed: failed.length });
  if (failed.length === results.length) throw new ProblemError(noneScored(failed));
  const { name: model, backend, info } = await scoring.info();
  return { ...soleScore(results), results, backend, model, modelFingerprint: info.fingerprint };
}

async function itemsOf(request: Request, { limits, readItems }: MatchDeps, signal: AbortSignal): Promise<Item[]> {
  const contentType = request.headers.get('content-type') ?? '';
  requireKnownType(contentType);
  const bytes = await readBody(request, limits.maxBytes, signal);
  return readItems({ bytes, contentType }, limits);
}

async function scoreItems(items: readonly Item[], scorer: ScoringService, signal: AbortSignal): Promise<Result[]> {
  const pairs = items.flatMap((item) => ('pair' in item ? [item.pair] : []));
  const outcomes = (await scorer.score(pairs, signal)).values();
  return items.map((item) => ('pair' in item ? resultOf(item.id, outcomes.next().value!) : item));
}

function resultOf(id: string, outcome: PairOutcome): Result {
  if (!('error' in outcome)) {
    const { map, ...score } = outcome;
    return { id, ...score, ...(map && { map: { ...map, values: Array.from(map.values, rounded) } }) };
  }
  const { problem, ...facts } = outcome.error;
  return { id, error: problemOf(problem, facts) };
}

/** Four digits tell correlations apart as well as seven. */
const rounded = (value: number) => Math.round(value * 1e4) / 1e4;

/** Fields of the only pair, which the answer repeats at its top level. */
function soleScore(results: readonly Result[]) {
  const [sole] = results;
  if (results.length !== 1 || !sole || 'error' in sole) return {};
  const { id: _, map: __, ...score } = sole;
  return score;
}

/** Problem of the only pair, or one for them all. */
function noneScored(results: readonly z.infer<typeof failedSchema>[]): Problem {
  const [first] = results;
  const detail = `Each of the ${results.length} pairs has an error: see "results". The first: ${first?.error.detail}`;
  const problem = first && results.length === 1 ? first.error : problemOf('no-pair-scored', { detail });
  return { ...problem, results };
}
