/**
 * The HTTP app, on any runtime that knows Request and Response. It has no port, no files and no backend of its own: who
 * scores is given to it, so that tests call `app.request` with a fake.
 */
import { reasonOf, VERSION } from '@doppel/core';

import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import { type Limits, limitsFrom } from './body/limits.ts';
import { type ReadItems, readItems as readItemsHere } from './body/read_items.ts';
import { type Problem, ProblemError, problemError, problemOf, problemResponse } from './problem.ts';
import { match, notReady, overloaded } from './routes/match.ts';
import type { ServerMetrics } from './routes/metrics.ts';
import { DOCUMENT, describePaths } from './routes/openapi.ts';
import type { ScoringService, ServedModel } from './scoring/scoring_service.ts';

export interface AppDeps {
  scorer: ScoringService;
  /** Default: those of `limitsFrom()`. */
  limits?: Limits;
  /** Reads the pairs out of a body. Default: in this thread. */
  readItems?: ReadItems | undefined;
  /** Without, there is no `/metrics`. */
  metrics?: ServerMetrics | undefined;
  /** Told of failures of the server's own, with the id of the request. */
  log?: (line: string) => void;
  /** True while the server finishes its last requests: `/readyz` then says so. */
  isDraining?: () => boolean;
}

export type App = OpenAPIHono<{ Variables: RequestIdVariables }>;

export function createApp({
  scorer,
  limits = limitsFrom(),
  readItems = readItemsHere,
  metrics,
  log = () => {},
  isDraining = () => false,
}: AppDeps): App {
  const app: App = new OpenAPIHono();
  let working = 0;

  app.use(requestId());
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    c.header('x-request-id', c.get('requestId')); // also where a handler made the response by itself
    const known = app.routes.some(({ path }) => path === c.req.path);
    const [method, route] = known ? [c.req.method, c.req.path] : ['other', 'other'];
    metrics?.answered({ method, route, status: c.res.status, seconds: (performance.now() - start) / 1000 });
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const facts = { detail: `Use ${allow} at ${c.req.path}.`, expected: allow, found: c.req.method };
        return answer(problemOf('method-not-allowed', facts), c.get('requestId'), { allow });
      },
    }),
  );

  /** A problem document that names the request, for whoever looks into the log. */
  function answer(problem: Problem, id: string, headers: Record<string, string> = {}): Response {
    metrics?.problem(problem.type);
    return problemResponse({ ...problem, requestId: id }, headers);
  }

  app.onError((error, c) => {
    const id = c.get('requestId');
    if (error instanceof ProblemError) return answer(error.problem, id, error.headers);
    log(`request ${id} failed: ${error.stack ?? reasonOf(error)}`);
    const detail = `The reason is in the server's log, under the request ${id}.`;
    return answer(problemOf('internal-error', { detail }), id);
  });
  app.notFound((c) => {
    const found = c.req.path;
    const detail = `There is nothing at ${found}. The paths are in /openapi.json.`;
    return answer(problemOf('not-found', { detail, found }), c.get('requestId'));
  });

  app.post('/v1/match', async (c) => {
    if (working >= limits.maxRequests) throw overloaded(`${working} requests are being worked on. Try again later.`);
    metrics?.inProgress(++working);
    try {
      return await match(c.req.raw, { scorer, limits, readItems, count: (pairs) => metrics?.pairs(pairs) });
    } finally {
      metrics?.inProgress(--working);
    }
  });
  app.get('/v1/model', async (c) => {
    if (!scorer.ready()) throw notReady();
    return c.json(modelAnswer(await scorer.info(), limits));
  });
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    if (scorer.ready() && !isDraining()) return c.json({ status: 'ready' });
    throw isDraining() ? problemError('not-ready', { detail: 'The server is shutting down.' }) : notReady();
  });
  if (metrics) {
    app.get(
      '/metrics',
      async () => new Response(await metrics.text(), { headers: { 'content-type': metrics.contentType } }),
    );
  }
  describePaths(app.openAPIRegistry, metrics !== undefined);
  app.doc31('/openapi.json', DOCUMENT);
  return app;
}

function modelAnswer({ name, info, normalisation, backend, device }: ServedModel, limits: Limits) {
  const { preset, side, sarBands, opticalBands, calibration, fingerprint, isCalibrated, metrics, trainedOn } = info;
  return {
    ...{ model: name, fingerprint, preset, side },
    channels: { sar: sarBands, optical: opticalBands },
    ...{ threshold: calibration.threshold, temperature: calibration.temperature, isCalibrated },
    ...{ normalisation, metrics, dataFingerprint: trainedOn.dataFingerprint, trainedWith: info.version },
    ...{ backend, ...(device !== undefined && { device }), version: VERSION, limits },
  };
}
