/** Metrics of the server for Prometheus. */
import { reasonOf } from '@doppel/core/errors';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServerMetrics } from '../routes/metrics.ts';

/** Upper bounds of durations, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128];

/** @param log receives the reason if the runtime has no metrics of the process. */
export function prometheusMetrics(log: (line: string) => void = () => {}): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  try {
    collectDefaultMetrics({ register: registry });
  } catch (error) {
    log(`metrics of the process are not available: ${reasonOf(error)}`);
  }
  const requests = new Histogram({
    name: 'doppel_http_request_duration_seconds',
    help: 'From the request to the answer',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const inProgress = gauge('doppel_match_requests_in_progress', 'Requests for scores in progress');
  const queued = gauge('doppel_queue_pairs', 'Pairs that wait to be scored');
  const pairs = counter('doppel_pairs_total', 'Pairs by outcome: scored or failed', 'outcome');
  const problems = counter('doppel_problems_total', 'Problem documents by type', 'type');
  const restarts = counter('doppel_worker_restarts_total', 'Scoring threads that died and were restarted');
  const waited = histogram('doppel_queue_duration_seconds', 'Waiting time of a pair before its batch', BUCKETS);
  const computed = histogram('doppel_batch_duration_seconds', 'Decoding and scoring of a batch', BUCKETS);
  const batches = histogram('doppel_batch_pairs', 'Pairs in a batch', BATCH_BUCKETS);
  const searches = new Histogram({
    ...{ name: 'doppel_search_duration_seconds', help: 'Searches of galleries by outcome: found or failed' },
    ...{ labelNames: ['outcome'], buckets: BUCKETS, registers },
  });
  const byKey = counter('doppel_key_requests_total', 'Requests by name of the key, and status', 'key', 'status');
  const keyBytes = counter('doppel_key_bytes_total', 'Bytes of bodies by name of the key', 'key');
  const jobs = new Gauge({
    ...{ name: 'doppel_registrations', help: 'Registrations by state', labelNames: ['state'], registers },
  });
  const jobBytes = gauge('doppel_registration_bytes', 'Bytes of registrations; unfinished ones count three times');
  const jobsEnded = histogram('doppel_registration_duration_seconds', 'From the start of a registration to its end', [
    ...[1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
  ]);
  const jobsTotal = counter('doppel_registrations_total', 'Registrations that ended, by state', 'state');
  const jobRestarts = counter('doppel_registration_restarts_total', 'Interrupted registrations that started again');
  pairs.inc({ outcome: 'scored' }, 0);
  pairs.inc({ outcome: 'failed' }, 0);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered: ({ method, route, status, seconds }) => requests.observe({ method, route, status: `${status}` }, seconds),
    inProgress: (count) => inProgress.set(count),
    queued: (count) => queued.set(count),
    pairs: ({ scored, failed }) => {
      pairs.inc({ outcome: 'scored' }, scored);
      pairs.inc({ outcome: 'failed' }, failed);
    },
    searched: ({ outcome, seconds }) => searches.observe({ outcome }, seconds),
    keyAnswered: (key, status) => byKey.inc({ key, status: `${status}` }),
    keyBytes: (key, bytes) => keyBytes.inc({ key }, bytes),
    problem: (type) => problems.inc({ type }),
    jobs(states, bytes) {
      for (const [state, count] of Object.entries(states)) jobs.set({ state }, count);
      jobBytes.set(bytes);
    },
    jobEnded(state, seconds) {
      jobsTotal.inc({ state });
      if (seconds !== undefined) jobsEnded.observe(seconds);
    },
    jobRestarted: () => jobRestarts.inc(),
    workerRestarted: () => restarts.inc(),
    batchDone: (batch) => {
      batches.observe(batch.waited.length);
      computed.observe(batch.computed);
      for (const seconds of batch.waited) waited.observe(seconds);
    },
  };
}
