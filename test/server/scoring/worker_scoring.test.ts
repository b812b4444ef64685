/** Threads that score, die, hang and come back. */

import { afterEach, expect, it, vi } from 'vitest';
import { createApp } from '../../../packages/server/src/app.ts';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import type { PairInput, PairOutcome } from '../../../packages/server/src/scoring/scoring_service.ts';
import { WorkerScoring, type WorkerScoringOptions } from '../../../packages/server/src/scoring/worker_scoring.ts';
import { soleModel } from '../fake_scorer.ts';

const [EXIT, THROW, HANG, BROKEN] = [666, 667, 668, 669];

const log: string[] = [];
const open: WorkerScoring[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((scoring) => scoring.close(0)));
  log.length = 0;
});

function scoringWith(options: Partial<WorkerScoringOptions> = {}): WorkerScoring {
  const scoring = new WorkerScoring({
    ...limitsFrom(),
    ...{ model: new Uint8Array(4), file: 'fake', backend: undefined, workers: 1 },
    main: new URL('./fake_worker.mjs', import.meta.url),
    log: (line) => log.push(line),
    ...options,
  });
  open.push(scoring);
  return scoring;
}

function pair(sar: number, optical = 0): PairInput {
  const image = (value: number) =>
    ({ kind: 'samples', name: 'x', data: new Float32Array([value]), height: 1, width: 1, bands: 1 }) as const;
  return { sar: image(sar), optical: image(optical) };
}

const scoresOf = (outcomes: PairOutcome[]) => outcomes.map((each) => ('score' in each ? each.score : each.error));

it('is ready when its threads are', async () => {
  const scoring = scoringWith({ workers: 2 });
  expect(scoring.ready()).toBe(false);
  expect(await scoring.info()).toMatchObject({ name: 'fake', backend: 'cpu' });
  expect(scoring.ready()).toBe(true);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => scoring.score([pair(i + 1, 1), pair(1, i)])));
  for (const [i, outcomes] of answers.entries()) expect(scoresOf(outcomes)).toEqual([i, 1 - i]);
});

it('says why a model does not load, and leaves nothing running', async () => {
  const scoring = scoringWith({ file: 'bad', workers: 2 });
  await expect(scoring.info()).rejects.toMatchObject({
    tag: 'server',
    message: 'Cannot read the checkpoint bad: expected a checkpoint, found noise.',
  });
  expect(scoring.ready()).toBe(false);
});

it.each([
  ['exits', EXIT],
  ['throws', THROW],
])('restarts a thread that %s, and fails only the requests of its batch', async (_, deed) => {
  const scoring = scoringWith({ maxBatch: 1, batchDelayMs: 0 });
  await scoring.info();
  const deadly = scoring.score([pair(deed)]);
  const patient = scoring.score([pair(5)]);
  await expect(deadly).rejects.toMatchObject({ tag: 'server', message: expect.stringMatching(/thread/) });
  expect(scoring.ready()).toBe(false);
  expect(scoresOf(await patient)).toEqual([5]); // by the new thread
  expect(scoring.ready()).toBe(true);
  expect(log.join()).toMatch(/A new one starts/);
});

it('ends a thread that hangs', async () => {
  const scoring = scoringWith({ batchTimeoutMs: 100 });
  await scoring.info();
  await expect(scoring.score([pair(HANG)])).rejects.toThrow(/hanging batch/);
  expect(scoresOf(await scoring.score([pair(5)]))).toEqual([5]);
});

it('keeps a thread whose batch broke down', async () => {
  const scoring = scoringWith();
  await scoring.info();
  await expect(scoring.score([pair(BROKEN)])).rejects.toThrow(/out of memory/);
  expect(scoring.ready()).toBe(true);
  expect(scoresOf(await scoring.score([pair(5)]))).toEqual([5]);
  expect(log).toEqual([]);
});

it('answers 500 to the request that killed the thread, 503 until the next one is there, then scores', async () => {
  const scoring = scoringWith();
  await scoring.info();
  const app = createApp({ models: soleModel(scoring) });
  const image = (value: number) => ({ data: [value], shape: [1, 1] });
  const post = (value: number) =>
    app.request('/v1/match', {
      ...{ method: 'POST', body: JSON.stringify({ sar: image(value), optical: image(1) }) },
      headers: { 'content-type': 'application/json' },
    });
  expect((await post(EXIT)).status).toBe(500);
  expect((await post(2)).status).toBe(503);
  expect((await app.request('/readyz')).status).toBe(503);
  expect((await app.request('/healthz')).status).toBe(200);
  await vi.waitFor(async () => expect((await app.request('/readyz')).status).toBe(200), { timeout: 5000 });
});

it('lets the event loop answer while it computes', async () => {
  const scoring = scoringWith({ file: 'busy' });
  await scoring.info();
  const app = createApp({ models: soleModel(scoring) });
  let isDone = false;
  const scores = scoring.score([pair(5)]).finally(() => {
    isDone = true;
  });
  let answers = 0;
  while (!isDone) {
    expect((await app.request('/healthz')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 5));
    answers++;
  }
  expect(scoresOf(await scores)).toEqual([5]);
  expect(answers).toBeGreaterThan(3); // the thread computes for 400 ms without a pause
});

it('finishes what waits before it closes', async () => {
  const scoring = scoringWith({ maxBatch: 1 });
  await scoring.info();
  const answers = [1, 2, 3].map((value) => scoring.score([pair(value)]));
  await scoring.close(5000);
  expect((await Promise.all(answers)).map(scoresOf)).toEqual([[1], [2], [3]]);
});
