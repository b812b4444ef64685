/**
 * Match scores over HTTP, on any runtime that knows Request and Response: an app that needs no port, and a scorer that
 * needs no threads. Ports, threads and metrics are in `@doppel/server/node`, a handler for edge runtimes in
 * `@doppel/server/edge`.
 *
 * @module
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { createApp, InlineScoring, limitsFrom, Models } from '@doppel/server';
 *
 * const model = await readFile('best.safetensors');
 * const limits = limitsFrom({ maxPairs: 16 });
 * const scorer = new InlineScoring({ ...limits, model, file: 'best.safetensors', backend: 'wasm' });
 * await scorer.info(); // the model is loaded
 * const app = createApp({ models: new Models([['best', scorer]]), limits });
 * const answer = await app.request('/v1/model');
 * const { side, backend } = await answer.json();
 * console.log(side, backend); // 64 wasm
 * ```
 */
export { type App, type AppDeps, createApp } from './app.ts';
export { type Limits, limitsFrom } from './body/limits.ts';
export { OverloadError, ServerError } from './errors.ts';
export type { Job } from './jobs/job.ts';
export type { Example, Examples, JobCaller, Registrations, ServedFile } from './jobs/registrations.ts';
export { type Problem, ProblemError } from './problem.ts';
export type { ServerMetrics } from './routes/metrics.ts';
export type { StaticFile, StaticFiles } from './routes/page.ts';
export { InlineScoring } from './scoring/inline_scoring.ts';
export { Models } from './scoring/models.ts';
export type {
  ImageInput,
  PairFailure,
  PairInput,
  PairOutcome,
  ScoringObserver,
  ScoringService,
  ServedModel,
  TileInput,
  TileOutcome,
} from './scoring/scoring_service.ts';
