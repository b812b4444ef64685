/** @doppel/server: match scores over HTTP. What is here runs on any runtime; threads and ports are at the subpaths. */
export { type App, type AppDeps, createApp } from './app.ts';
export { OverloadError, ServerError } from './errors.ts';
export { InlineScoring } from './inline_scoring.ts';
export { type Limits, limitsFrom } from './limits.ts';
export type { ServerMetrics } from './metrics.ts';
export { type Problem, ProblemError } from './problem.ts';
export type * from './scoring_service.ts';
