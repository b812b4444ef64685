/** `POST /v1/match`: scores for pairs of patches. A pair that cannot be scored fails alone. */
import { UNITS } from '@doppel/core/raster';
import { createRoute, z } from '@hono/zod-openapi';
import type { Item } from '../body/items.ts';
import type { Limits } from '../body/limits.ts';
import { readBody } from '../body/read_body.ts';
import { type ReadItems, requireKnownType } from '../body/read_items.ts';
import { OverloadError } from '../errors.ts';
import { type Problem, ProblemError, problemError, problemOf, problemSchema } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { PairOutcome, ScoringService } from '../scoring/scoring_service.ts';
import { endpoint, json, problemJson } from './answers.ts';
import { chosenModel, modelQuery, readyModel } from './chosen_model.ts';
import { type Deadline, deadlineOf } from './deadline.ts';
import type { ServerMetrics } from './metrics.ts';

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
const scoredSchema = z.object({ id: z.string(), ...score }).openapi('Scored');
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
    query: modelQuery,
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
  metrics: ServerMetrics | undefined;
}

export function match(deps: MatchDeps) {
  const { limits, metrics } = deps;
  let working = 0;
  return endpoint(route, async (c) => {
    if (working >= limits.maxRequests) throw overloaded(`${working} requests are in progress. Try again later.`);
    working++;
    metrics?.inProgress(working);
    try {
      const name = chosenModel(deps.models, c.req.valid('query').model);
      return c.json(await scored(c.req.raw, name, deps), 200);
    } finally {
      working--;
      metrics?.inProgress(working);
    }
  });
}

/** @throws ProblemError if the request as a whole fails. */
async function scored(request: Request, name: string, deps: MatchDeps): Promise<Match> {
  const { models, limits, metrics } = deps;
  readyModel(models, name);
  const deadline = deadlineOf(request.signal, limits.timeoutMs);
  const { signal } = deadline;
  try {
    const items = await itemsOf(request, deps, signal).catch((error) => {
      throw signal.aborted ? givenUp(deadline, 'request-timeout', limits) : error;
    });
    return await models.use(name, async (scoring) => {
      const results = await resultsOf(items, scoring, deadline, limits);
      const failed = results.filter((result) => 'error' in result);
      metrics?.pairs({ scored: results.length - failed.length, failed: failed.length });
      if (failed.length === results.length) throw new ProblemError(noneScored(failed));
      const { name: model, backend, info } = await scoring.info();
      return { ...soleScore(results), results, backend, model, modelFingerprint: info.fingerprint };
    });
  } finally {
    deadline.clear();
  }
}

const resultsOf = (
  items: readonly Item[],
  scoring: ScoringService,
  deadline: Deadline,
  limits: Limits,
): Promise<Result[]> =>
  scoreItems(items, scoring, deadline.signal).catch((error) => {
    if (error instanceof OverloadError) throw overloaded(error.message, error.retryAfterSeconds);
    throw deadline.signal.aborted ? givenUp(deadline, 'timeout', limits) : error;
  });

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
  if (!('error' in outcome)) return { id, ...outcome };
  const { problem, ...facts } = outcome.error;
  return { id, error: problemOf(problem, facts) };
}

/** Fields of the only pair, which the answer repeats at its top level. */
function soleScore(results: readonly Result[]) {
  const [sole] = results;
  if (results.length !== 1 || !sole || 'error' in sole) return {};
  const { id: _, ...score } = sole;
  return score;
}

/** Problem of the only pair, or one for them all. */
function noneScored(results: readonly z.infer<typeof failedSchema>[]): Problem {
  const [first] = results;
  const detail = `Each of the ${results.length} pairs has an error: see "results". The first: ${first?.error.detail}`;
  const problem = first && results.length === 1 ? first.error : problemOf('no-pair-scored', { detail });
  return { ...problem, results };
}

function overloaded(detail: string, retryAfterSeconds = 1): ProblemError {
  return problemError('overloaded', { detail }, { 'retry-after': `${retryAfterSeconds}` });
}

/** Error of a request whose deadline has passed, or whose client has left. */
function givenUp(deadline: Deadline, name: 'request-timeout' | 'timeout', { timeoutMs }: Limits): ProblemError {
  if (!deadline.hasPassed()) {
    return problemError('client-closed-request', { detail: 'The client closed the connection.' });
  }
  const detail = `A request may take ${timeoutMs / 1000} s in all. Send fewer pairs at a time.`;
  return problemError(name, { detail }, name === 'timeout' ? { 'retry-after': '1' } : {});
}
