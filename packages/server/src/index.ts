/** @doppel/server: match scores over HTTP. What is here runs on any runtime; threads and ports are at the subpaths. */
export { type App, type AppDeps, createApp } from './app.ts';
export { type Limits, limitsFrom } from './body/limits.ts';
export { OverloadError, ServerError } from './errors.ts';
export { type Problem, ProblemError } from './problem.ts';
export type { ServerMetrics } from './routes/metrics.ts';
export { InlineScoring } from './scoring/inline_scoring.ts';
export type * from './scoring/scoring_service.ts';
