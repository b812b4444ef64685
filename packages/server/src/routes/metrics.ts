/**
 * `GET /metrics`: what the server counts and times. An edge runtime does without; `prometheus.ts` keeps it elsewhere.
 */
import { createRoute, z } from '@hono/zod-openapi';
import type { JobObserver } from '../jobs/registrations.ts';
import type { ScoringObserver } from '../scoring/scoring_service.ts';
import { endpoint } from './answers.ts';

export interface ServerMetrics extends ScoringObserver, JobObserver {
  /** A request was answered. @param route a path of the OpenAPI document, or "other". */
  answered(request: { method: string; route: string; status: number; seconds: number }): void;
  /** Number of requests for scores in progress. */
  inProgress(requests: number): void;
  /** Pairs that were scored, and pairs that were answered with an error. */
  pairs(counts: { scored: number; failed: number }): void;
  /** A search was answered. */
  searched(search: { outcome: 'found' | 'failed'; seconds: number }): void;
  /** A request with a key was answered. @param key name of the key. */
  keyAnswered(key: string, status: number): void;
  /** Bytes of bodies that came with a key. */
  keyBytes(key: string, bytes: number): void;
  /** @param type of a problem document. */
  problem(type: string): void;
  /** All metrics in the format that `contentType` names. */
  text(): Promise<string>;
  readonly contentType: string;
}

const route = createRoute({
  ...{ method: 'get', path: '/metrics', operationId: 'metrics', summary: 'Metrics for Prometheus' },
  responses: { 200: { description: 'Text', content: { 'text/plain': { schema: z.string() } } } },
});

export const metricsText = (metrics: ServerMetrics) =>
  endpoint(route, 'admin', async (c) => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }));
