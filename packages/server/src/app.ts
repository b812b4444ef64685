/**
 * The HTTP app, on any runtime that knows Request and Response. It opens no port, file or backend: its
 * models are an argument, so that tests call `app.request` with a fake.
 */
import { reasonOf, VERSION } from '@doppel/core';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { compress } from 'hono/compress';
import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import { matchedRoutes } from 'hono/route';
import { METHOD_NAME_ALL } from 'hono/router';
import { type AccessVariables, authorise, type Guard } from './access/guard.ts';
import { type ReadTensors, readTensors as readTensorsHere } from './body/infer_request.ts';
import { pairsSchema } from './body/json_pairs.ts';
import { type Limits, limitsFrom } from './body/limits.ts';
import { type ReadItems, readItems as readItemsHere } from './body/read_items.ts';
import { type ReadSearch, readSearch as readSearchHere, searchSchema } from './body/search_request.ts';
import type { GalleryService } from './gallery/gallery_service.ts';
import type { Examples, Registrations } from './jobs/registrations.ts';
import { explain, type Problem, ProblemError, problemError, problemOf, problemResponse } from './problem.ts';
import { isOfProtocol } from './routes/answers.ts';
import { galleries as galleryRoutes } from './routes/galleries.ts';
import { healthz } from './routes/healthz.ts';
import { inference, inferRequestSchema } from './routes/inference.ts';
import { match } from './routes/match.ts';
import { metricsText, type ServerMetrics } from './routes/metrics.ts';
import { model } from './routes/model.ts';
import { pageHandlers, type StaticFiles } from './routes/page.ts';
import { readyz } from './routes/readyz.ts';
import { registrations as registrationRoutes } from './routes/registrations.ts';
import { type ReloadModels, reload } from './routes/reload.ts';
import { ScoringRequests } from './routes/scoring_requests.ts';
import { foundBySchema } from './schema_error.ts';
import type { Models } from './scoring/models.ts';
import type { Replaceable } from './scoring/replaceable.ts';

export interface AppDeps {
  /** Models to serve; the first is the default. */
  models: Models;
  /** Default: those of `limitsFrom()`. */
  limits?: Limits;
  /** Read bodies. Default: in this thread. */
  readItems?: ReadItems | undefined;
  readTensors?: ReadTensors | undefined;
  /** Metrics served at `/metrics`; without them there is no such route. */
  metrics?: ServerMetrics | undefined;
  /** Receives the server's own failures, each with the id of its request. */
  log?: (line: string) => void;
  /** Asks for keys. Default: anybody may call. */
  guard?: Guard | undefined;
  /** Origins of web pages that may call, or "*". Default: none. */
  cors?: readonly string[];
  /** Loads model files again; without it there is no such route. */
  reloadModels?: ReloadModels | undefined;
  readSearch?: ReadSearch | undefined;
  /** Galleries to search. Default: none. */
  galleries?: Replaceable<GalleryService> | undefined;
  /** Jobs of registration; without them their routes answer 503. */
  registrations?: Registrations | undefined;
  /** Scenes to try. Default: none. */
  examples?: Examples | undefined;
  /** Page at `/`; without it there is none. */
  page?: StaticFiles | undefined;
  /** True while the server finishes its last requests; `/readyz` then answers 503. */
  isDraining?: () => boolean;
}

/** `problem` is the type of the problem document that a request is answered with. */
interface AppEnv {
  Variables: RequestIdVariables & AccessVariables & { problem?: string };
}
export type App = OpenAPIHono<AppEnv>;

/** OpenAPI document of everything but the paths, which the routes bring. */
const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'doppel',
    version: VERSION,
    description: 'Whether a SAR patch and an optical patch show the same place.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
};

/** Hono app that scores pairs with `models`: pass `app.fetch` to any HTTP server, or call `app.request`. */
export function createApp({
  models,
  limits = limitsFrom(),
  readItems = readItemsHere,
  readTensors = readTensorsHere,
  metrics,
  log = () => {},
  guard,
  cors: origins = [],
  reloadModels,
  readSearch = readSearchHere,
  galleries,
  registrations,
  examples,
  page,
  isDraining = () => false,
}: AppDeps): App {
  const app: App = new OpenAPIHono({
    defaultHook(parsed) {
      if (parsed.success) return;
      const found = foundBySchema(parsed.error);
      throw problemError('malformed-request', explain('read the request', 'what /openapi.json describes', found));
    },
  });

  app.use(requestId());
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    c.header('x-request-id', c.get('requestId')); // also where a handler returned its own Response
    const matched = matchedRoutes(c).findLast(({ method }) => method !== METHOD_NAME_ALL);
    const [method, route] = matched ? [matched.method, matched.path] : ['other', 'other'];
    metrics?.answered({ method, route, status: c.res.status, seconds: (performance.now() - start) / 1000 });
    const caller = c.get('caller');
    if (caller !== undefined) metrics?.keyAnswered(caller, c.res.status);
    const problem = c.get('problem'); // counted here, as a 404 may have become a 405
    if (problem) metrics?.problem(problem);
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const facts = { detail: `Use ${allow} at ${c.req.path}.`, expected: allow, found: c.req.method };
        return answer(c, problemOf('method-not-allowed', facts), { allow });
      },
    }),
  );

  /** Problem document that names the request, so that its reason can be found in the log. */
  function answer(c: Context<AppEnv>, problem: Problem, headers: Record<string, string> = {}): Response {
    c.set('problem', problem.type);
    if (isOfProtocol(c.req.path)) return inferError(problem, headers);
    return problemResponse({ ...problem, requestId: c.get('requestId') }, headers);
  }

  app.use('/v2/*', compress());
  if (origins.length > 0) app.use(crossOrigin(origins));
  app.onError((error, c) => {
    if (error instanceof ProblemError) return answer(c, error.problem, error.headers);
    const id = c.get('requestId');
    log(`request ${id} failed: ${error.stack ?? reasonOf(error)}`);
    const detail = `The reason is in the server's log, under the request ${id}.`;
    return answer(c, problemOf('internal-error', { detail }));
  });
  app.notFound((c) => {
    const found = c.req.path;
    const detail = `There is nothing at ${found}. The paths are in /openapi.json.`;
    return answer(c, problemOf('not-found', { detail, found }));
  });

  const requests = new ScoringRequests(models, limits, metrics);
  const endpoints = [
    match({ models, limits, readItems, requests, metrics }),
    ...inference({ models, limits, readTensors, requests, metrics, galleries, isDraining }),
    model(models, limits),
    healthz,
    readyz({ models, galleries, isDraining }),
    ...galleryRoutes({ galleries, limits, readSearch, requests, metrics }),
    ...registrationRoutes({ registrations, examples, limits }),
    ...(metrics ? [metricsText(metrics)] : []),
    ...(reloadModels ? [reload(reloadModels)] : []),
  ] as const;
  if (guard) {
    for (const { route, need } of endpoints) {
      if (need !== 'nothing') app.use(route.getRoutingPath(), authorise(guard, route.method, need));
    }
  }
  for (const handlers of page ? pageHandlers(page) : []) app.get(...handlers);
  app.openapiRoutes(endpoints);
  app.openAPIRegistry.register('Pairs', pairsSchema);
  app.openAPIRegistry.register('Search', searchSchema);
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.register('InferRequest', inferRequestSchema);
  app.doc31('/openapi.json', DOCUMENT);
  return app;
}

/** Error as clients of the Open Inference Protocol read it: a string. */
const inferError = ({ status, detail }: Problem, headers: Record<string, string>): Response =>
  Response.json({ error: detail }, { status, headers });

/** Answers pages of other origins, with the headers that a client of ours needs. */
const crossOrigin = (origins: readonly string[]) =>
  cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowHeaders: [
      'range',
      'authorization',
      'content-type',
      'content-encoding',
      'inference-header-content-length',
      'x-request-id',
    ],
    exposeHeaders: ['content-range', 'inference-header-content-length', 'location', 'retry-after', 'x-request-id'],
    maxAge: 3600,
  });
