/**
 * The Open Inference Protocol v2 (KServe, Triton) under `/v2`: metadata, health, inference. Errors are `{"error": string}`,
 * and the status is 200 exactly on success, as its clients expect.
 */
import { VERSION } from '@doppel/core';
import { createRoute, z } from '@hono/zod-openapi';
import { type InferRequest, inferRequestSchema, type ReadTensors } from '../body/infer_request.ts';
import type { Limits } from '../body/limits.ts';
import { readBody } from '../body/read_body.ts';
import { DATATYPES } from '../body/tensor_data.ts';
import {
  checkedInputs,
  checkedOutputs,
  type InferModel,
  type InferWork,
  inferModel,
  inferNames,
  type TensorSpec,
} from '../inference/infer_models.ts';
import { HEADER_LENGTH, inferResponse, inferResponseSchema } from '../inference/infer_response.ts';
import { problemError } from '../problem.ts';
import { versionOf } from '../scoring/models.ts';
import type { ScoringService, ServedModel } from '../scoring/scoring_service.ts';
import { endpoint, inferErrorSchema, json } from './answers.ts';
import { readyModel } from './chosen_model.ts';
import type { ServerMetrics } from './metrics.ts';
import { type Readiness, requireReady } from './readyz.ts';
import type { ScoringRequests } from './scoring_requests.ts';

export interface InferenceDeps extends Readiness {
  limits: Limits;
  readTensors: ReadTensors;
  requests: ScoringRequests;
  metrics: ServerMetrics | undefined;
}

const failed = (description: string) => json(description, inferErrorSchema);
const UNKNOWN = failed('There is no such model or version');
const NOT_READY = failed('The model is loading, or the server is shutting down');

export const serverSchema = z
  .object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .openapi('InferServer');

const tensorSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()).openapi({ description: '-1: any length' }),
  parameters: z.object({ datatypes: z.array(z.string()), optional: z.boolean().exactOptional() }).optional(),
});
export const inferModelSchema = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(tensorSchema),
    outputs: z.array(tensorSchema),
  })
  .openapi('InferModel');

const nameParams = z.object({
  model: z.string().openapi({ description: 'NAME, NAME-tower, pair or tower', example: 'pair' }),
});
const versionParams = nameParams.extend({ version: z.string() });

const live = createRoute({
  ...{ method: 'get', path: '/v2/health/live', operationId: 'serverLive', summary: 'Whether the process answers' },
  responses: { 200: json('It does', z.object({ live: z.boolean() })) },
});
const ready = createRoute({
  ...{
    method: 'get',
    path: '/v2/health/ready',
    operationId: 'serverReady',
    summary: 'Whether all models can score and galleries be searched',
  },
  responses: { 200: json('They can', z.object({ ready: z.boolean() })), 503: NOT_READY },
});
const server = createRoute({
  ...{ method: 'get', path: '/v2', operationId: 'serverMetadata', summary: 'Name, version and extensions' },
  responses: { 200: json('The server', serverSchema) },
});

/** Routes that a model has with and without a version in its path. */
const ofModel = <P extends z.ZodObject>(prefix: string, suffix: string, params: P) => ({
  metadata: createRoute({
    ...{ method: 'get', path: prefix, operationId: `model${suffix}Metadata`, summary: 'Inputs and outputs of a model' },
    request: { params },
    responses: { 200: json('The model', inferModelSchema), 404: UNKNOWN, 503: NOT_READY },
  }),
  ready: createRoute({
    ...{ method: 'get', path: `${prefix}/ready`, operationId: `model${suffix}Ready`, summary: 'Whether it can score' },
    request: { params },
    responses: {
      200: json('It can', z.object({ name: z.string(), ready: z.boolean() })),
      ...{ 404: UNKNOWN, 503: NOT_READY },
    },
  }),
  infer: createRoute({
    ...{ method: 'post', path: `${prefix}/infer`, operationId: `model${suffix}Infer`, summary: 'Score or describe' },
    request: {
      params,
      body: {
        required: true,
        content: {
          // Described only: a schema here would make Hono parse whole bodies on the event loop.
          'application/json': { schema: { $ref: '#/components/schemas/InferRequest' } },
          'application/octet-stream': { schema: { type: 'string', format: 'binary' } as const },
        },
      },
    },
    responses: {
      200: {
        description: 'JSON, before the raw tensors of binary outputs',
        content: {
          'application/json': { schema: inferResponseSchema },
          'application/octet-stream': { schema: z.string() },
        },
      },
      ...{ 400: failed('The request cannot be understood'), 404: UNKNOWN },
      ...{ 408: failed('The request took too long to arrive'), 413: failed('Too many bytes, images or pixels') },
      ...{ 415: failed('The content coding is not known'), 422: failed('An image cannot be used') },
      ...{ 500: failed('The scoring failed'), 503: failed('Not ready, or too much to do'), 504: failed('Too slow') },
    },
  }),
});
const plain = ofModel('/v2/models/{model}', '', nameParams);
const versioned = ofModel('/v2/models/{model}/versions/{version}', 'Version', versionParams);

export { inferRequestSchema };

/** Endpoints of the protocol. */
export function inference(deps: InferenceDeps) {
  return [
    endpoint(live, 'nothing', (c) => c.json({ live: true }, 200)),
    endpoint(ready, 'nothing', (c) => {
      requireReady(deps);
      return c.json({ ready: true }, 200);
    }),
    endpoint(server, 'any key', (c) =>
      c.json({ name: 'doppel', version: VERSION, extensions: ['binary_tensor_data'] }, 200),
    ),
    endpoint(plain.metadata, 'any key', async (c) => c.json(await metadata(deps, c.req.valid('param')), 200)),
    endpoint(versioned.metadata, 'any key', async (c) => c.json(await metadata(deps, c.req.valid('param')), 200)),
    endpoint(plain.ready, 'any key', async (c) => c.json(await modelReady(deps, c.req.valid('param')), 200)),
    endpoint(versioned.ready, 'any key', async (c) => c.json(await modelReady(deps, c.req.valid('param')), 200)),
    endpoint(plain.infer, 'match', async (c) => answered(await infer(c.req.raw, c.req.valid('param'), deps))),
    endpoint(versioned.infer, 'match', async (c) => answered(await infer(c.req.raw, c.req.valid('param'), deps))),
  ] as const;
}

interface Address {
  model: string;
  version?: string;
}

/** Body with its headers; its type is that of the JSON that it may be. */
const answered = ({ body, headers }: ReturnType<typeof inferResponse>) => new Response(body, { headers }) as never;

/** Model at an address. @throws ProblemError (404) if there is none. */
function modelAt({ models }: InferenceDeps, { model }: Address): InferModel {
  const found = inferModel(models, model);
  if (found) return found;
  const known = inferNames(models).join(', ');
  throw unknown(`There is no model "${model.slice(0, 64)}". The models are ${known}.`, known, model);
}

const unknown = (detail: string, expected: string, found: string) =>
  problemError('not-found', { detail, expected, found: found.slice(0, 64) });

/** Description of the matcher at an address. @throws ProblemError (404) if it has no towers, or another version. */
async function servedAt(scoring: ScoringService, { kind }: InferModel, { model, version }: Address) {
  const served = await scoring.info();
  if (kind.outputs(served).length === 0) {
    const detail = `There is no model "${model}": both patches enter one stream, so that none can be described alone.`;
    throw unknown(detail, 'a matcher with a stream for each sensor', served.info.preset);
  }
  const present = versionOf(served);
  if (version === undefined || version === present) return served;
  throw unknown(`The model "${model}" has the version ${present}, not "${version.slice(0, 64)}".`, present, version);
}

async function metadata(deps: InferenceDeps, address: Address) {
  const model = modelAt(deps, address);
  const served = await servedAt(readyModel(deps.models, model.matcher), model, address);
  return {
    name: address.model,
    versions: [versionOf(served)],
    platform: 'doppel',
    inputs: model.kind.inputs(served).map(describeInput),
    outputs: model.kind.outputs(served).map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] })),
  };
}

const describeInput = ({ name, datatype, shape, isOptional }: TensorSpec) => ({
  ...{ name, datatype, shape: [...shape] },
  parameters: { datatypes: Object.keys(DATATYPES), ...(isOptional && { optional: true }) },
});

async function modelReady(deps: InferenceDeps, address: Address) {
  const model = modelAt(deps, address);
  await servedAt(readyModel(deps.models, model.matcher), model, address);
  return { name: address.model, ready: true };
}

async function infer(request: Request, address: Address, deps: InferenceDeps) {
  const { limits, readTensors, requests, metrics } = deps;
  const model = modelAt(deps, address);
  return requests.run(request.signal, {
    model: model.matcher,
    async read(signal) {
      const bytes = await readBody(request, limits.maxBytes, signal);
      return readTensors({ bytes, headerLength: request.headers.get(HEADER_LENGTH) });
    },
    async answer(body, scoring, signal) {
      const served = await servedAt(scoring, model, address);
      const tensors = await run(body, { model, served, scoring, signal, limits, counted: (n) => metrics?.pairs(n) });
      const head = { model_name: address.model, model_version: versionOf(served), id: body.id };
      return inferResponse(head, tensors.outputs, tensors.wanted);
    },
  });
}

interface Run {
  model: InferModel;
  served: ServedModel;
  scoring: ScoringService;
  signal: AbortSignal;
  limits: Limits;
  counted: InferWork['counted'];
}

async function run(body: InferRequest, { model: { kind }, served, limits, ...work }: Run) {
  const inputs = checkedInputs(body, kind.inputs(served), limits);
  const wanted = checkedOutputs(body, kind.outputs(served), inputs);
  return { wanted, outputs: await kind.run({ inputs, ...work }) };
}
