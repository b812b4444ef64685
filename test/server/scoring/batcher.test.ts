/** Batching keeps each answer with its question, whatever is batched with what. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OverloadError } from '../../../packages/server/src/errors.ts';
import { Batcher, type BatchingOptions } from '../../../packages/server/src/scoring/batcher.ts';
import type { PairInput, PairOutcome } from '../../../packages/server/src/scoring/scoring_service.ts';
import { fakeOutcome } from '../fake_scorer.ts';

const OPTIONS: BatchingOptions = { maxBatch: 4, batchDelayMs: 2, maxQueuedPairs: 100 };

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function pair(value: number): PairInput {
  const image = (level: number) =>
    ({ kind: 'samples', name: 'x', data: new Float32Array([level]), height: 1, width: 1, bands: 1 }) as const;
  return { sar: image(value), optical: image(0) };
}

/** A runner that notes its batches and takes its time. */
function slowRunner(ms = 1) {
  const batches: number[][] = [];
  const run = async (pairs: readonly PairInput[]): Promise<PairOutcome[]> => {
    batches.push(pairs.map(({ sar }) => (sar.kind === 'samples' ? sar.data[0]! : Number.NaN)));
    await pause(ms);
    return pairs.map(fakeOutcome);
  };
  return { run, batches };
}

const scoresOf = (outcomes: PairOutcome[]) => outcomes.map((each) => ('score' in each ? each.score : each.error));

it('gives every request its own scores in order', async () => {
  const requests = fc.array(fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 9 }), {
    minLength: 1,
    maxLength: 9,
  });
  const shape = fc.record({
    maxBatch: fc.integer({ min: 1, max: 6 }),
    batchDelayMs: fc.nat(3),
    runners: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(requests, shape, async (values, { runners, ...batching }) => {
      const batcher = new Batcher<PairInput, PairOutcome>({ ...OPTIONS, ...batching });
      const all = Array.from({ length: runners }, () => slowRunner());
      for (const { run } of all) batcher.addRunner(run);
      const answers = await Promise.all(values.map((some) => batcher.run(some.map(pair))));
      expect(answers.map(scoresOf)).toEqual(values);
      const batches = all.flatMap((each) => each.batches);
      expect(batches.flat().length).toBe(values.flat().length);
      for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(batching.maxBatch);
      expect(batcher.isQuiet).toBe(true);
    }),
    { numRuns: 40 },
  );
});

it('puts concurrent requests into one batch', async () => {
  const batcher = new Batcher<PairInput, PairOutcome>({ ...OPTIONS, batchDelayMs: 20 });
  const { run, batches } = slowRunner();
  batcher.addRunner(run);
  await Promise.all([1, 2, 3].map((value) => batcher.run([pair(value)])));
  expect(batches).toEqual([[1, 2, 3]]);
  await Promise.all([4, 5, 6, 7].map((value) => batcher.run([pair(value)]))); // full: nothing to wait for
  expect(batches[1]).toEqual([4, 5, 6, 7]);
});

it('waits for a runner, and refuses more than the queue holds', async () => {
  const batcher = new Batcher<PairInput, PairOutcome>({ ...OPTIONS, maxQueuedPairs: 3 });
  const waiting = batcher.run([pair(1), pair(2)]);
  await expect(batcher.run([pair(3), pair(4)])).rejects.toThrow(OverloadError);
  const last = batcher.run([pair(3)]);
  batcher.addRunner(slowRunner().run);
  expect(scoresOf(await waiting)).toEqual([1, 2]);
  expect(scoresOf(await last)).toEqual([3]);
});

it('does not score what was given up', async () => {
  const batcher = new Batcher<PairInput, PairOutcome>({ ...OPTIONS, maxBatch: 1 });
  const { run, batches } = slowRunner(5);
  batcher.addRunner(run);
  const first = batcher.run([pair(1)]);
  await pause(3); // it runs
  const client = new AbortController();
  const second = batcher.run([pair(2), pair(3)], client.signal);
  client.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  await expect(batcher.run([pair(4)], client.signal)).rejects.toThrow('gone');
  await first;
  expect(scoresOf(await batcher.run([pair(5)]))).toEqual([5]);
  expect(batches).toEqual([[1], [5]]);
});

it('fails the requests of a batch that broke down, and no others', async () => {
  const batcher = new Batcher<PairInput, PairOutcome>({ ...OPTIONS, maxBatch: 2, batchDelayMs: 5 });
  const { run } = slowRunner();
  batcher.addRunner(async (pairs) => {
    if (pairs.some(({ sar }) => sar.kind === 'samples' && sar.data[0] === 13)) throw new Error('broke down');
    return run(pairs);
  });
  const answers = await Promise.allSettled([
    batcher.run([pair(1), pair(2)]),
    batcher.run([pair(13), pair(3), pair(4)]),
    batcher.run([pair(5), pair(6)]),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(batcher.isQuiet).toBe(true);
});

it('tells how long to wait by how fast it was', async () => {
  const batcher = new Batcher<PairInput, PairOutcome>({ ...OPTIONS, maxBatch: 1 });
  expect(batcher.retryAfterSeconds()).toBe(1);
  const { run } = slowRunner(100);
  batcher.addRunner(run);
  await batcher.run([pair(1)]); // about 10 pairs a second
  const waiting = batcher
    .run(
      Array.from({ length: 31 }, (_, i) => pair(i + 1)),
      AbortSignal.timeout(50),
    )
    .catch(() => {});
  await pause(1);
  expect(batcher.retryAfterSeconds()).toBeGreaterThanOrEqual(2);
  expect(batcher.retryAfterSeconds()).toBeLessThanOrEqual(6);
  await waiting;
});
