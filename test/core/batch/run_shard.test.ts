/** Runners: finished items are skipped, nothing is lost, two on one item do no harm, failures are told apart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../../packages/core/src/batch/exit_codes.ts';
import type { PlannedItem } from '../../../packages/core/src/batch/item.ts';
import { type MergeCounts, mergeResults } from '../../../packages/core/src/batch/merge.ts';
import type { Plan } from '../../../packages/core/src/batch/plan.ts';
import { runShard, type ShardTask } from '../../../packages/core/src/batch/run_shard.ts';
import { batchStatus } from '../../../packages/core/src/batch/status.ts';
import { BackendError, FileError, PatchError } from '../../../packages/core/src/errors.ts';
import { FileStore } from '../../../packages/core/src/node.ts';
import { MemoryStore, readText, type Store } from '../../../packages/core/src/store.ts';
import { HOST, numbers, planSquares, squareWorker } from './squares.ts';

const folder = mkdtempSync(join(tmpdir(), 'doppel-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (store: Store, plan: Plan, open: ShardTask['open'], more: Partial<ShardTask> = {}) =>
  runShard({ store, plan, open, host: HOST, shard: { index: 1, of: 1 }, ...more });

const failAt = (id: string, error: () => Error) => (item: PlannedItem) => {
  if (item.id === id) throw error();
};
const damaged = () => new PatchError({ action: 'read the patch', found: 'nothing but NaN' });
const outOfMemory = () => new BackendError({ action: 'score', backend: 'cuda', found: 'no memory left' });

async function merged(store: Store, plan: Plan): Promise<{ counts: MergeCounts; rows: unknown[] }> {
  const counts = await mergeResults(store, plan, { files: [{ path: 'merged.jsonl' }] });
  const text = (await store.stat('merged.jsonl')) ? await readText(store, 'merged.jsonl') : '';
  return {
    counts,
    rows: text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
}

describe('a shard', () => {
  it('is done once, and another run finds it done without opening anything', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(1200));
    for (const index of [1, 2, 3]) {
      const outcome = await run(store, plan, squareWorker(), { shard: { index, of: 3 } });
      expect(outcome).toMatchObject({ kept: 0, failed: 0, isStopped: false });
      expect(exitCodeOf(outcome)).toBe(0);
    }
    const never = () => Promise.reject(new Error('opened'));
    expect(await run(store, plan, never)).toMatchObject({ items: 1200, kept: 1200, done: 0 });
    const { rows } = await merged(store, plan);
    expect(rows).toEqual(Array.from({ length: 1200 }, (_, i) => ({ id: `n${i}`, square: i ** 2 })));
  });

  it('ends, to be tried again, where a failure cannot be written down', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(5));
    const write = store.write.bind(store);
    store.write = async (path, bytes) => {
      if (path.endsWith('.failed.jsonl') || path.endsWith('.retry.jsonl')) {
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      }
      return write(path, bytes);
    };
    const outcome = await run(store, plan, squareWorker(failAt('n2', () => new Error('broken'))));
    expect(outcome).toMatchObject({ done: 2, failed: 0, retry: 0 });
    expect(String(outcome.fatal)).toContain('no space left');
    expect(exitCodeOf(outcome)).toBe(75);
  });

  it('has a folder of results without an item, too', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(2));
    const shard = { index: 1, of: 4 };
    expect(await run(store, plan, squareWorker(), { shard, results: 'apart' })).toMatchObject({ items: 0 });
    expect((await store.list('apart')).length).toBeGreaterThan(0);
  });

  it('drops the item at work when it is told to stop, and goes on with it', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(5));
    const controller = new AbortController();
    const stop = failAt('n2', () => {
      controller.abort();
      return controller.signal.reason;
    });
    const outcome = await run(store, plan, squareWorker(stop), { signal: controller.signal });
    expect(outcome).toMatchObject({ done: 2, failed: 0, retry: 0, isStopped: true });
    expect([exitCodeOf(outcome, 'SIGTERM'), exitCodeOf(outcome)]).toEqual([143, 130]);
    const tried: string[] = [];
    expect(await run(store, plan, squareWorker(undefined, tried))).toMatchObject({ kept: 2, done: 3 });
    expect(tried).toEqual(['n2', 'n3', 'n4']);
  });

  it('keeps what failed for good with its reason, and tries it again only if told to', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(4));
    const outcome = await run(store, plan, squareWorker(failAt('n1', damaged)));
    expect([outcome.done, outcome.failed, exitCodeOf(outcome)]).toEqual([3, 1, 42]);
    expect(await run(store, plan, squareWorker())).toMatchObject({ kept: 3, failed: 1, done: 0 });
    const reason = 'Cannot read the patch: found nothing but NaN.';
    expect((await batchStatus(store, plan)).failures).toEqual([
      { item: 1, id: 'n1', status: 'failed', reason, attempts: 1 },
    ]);
    expect((await merged(store, plan)).rows[1]).toEqual({ id: 'n1', error: reason });
    expect(await run(store, plan, squareWorker(), { retryFailed: true })).toMatchObject({
      kept: 3,
      failed: 0,
      done: 1,
    });
    expect((await merged(store, plan)).counts).toEqual({ rows: 4, done: 4, failed: 0, retry: 0, missing: 0 });
  });

  it('tries again what may pass, for some times', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(2));
    const fail = squareWorker(failAt('n0', outOfMemory));
    for (let i = 1; i <= 2; i++) {
      const outcome = await run(store, plan, fail);
      expect([outcome.retry, outcome.failed, exitCodeOf(outcome)]).toEqual([1, 0, 75]);
      expect(await merged(store, plan)).toMatchObject({ rows: [], counts: { rows: 0, done: 1, retry: 1 } }); // reads none
    }
    expect(exitCodeOf(await run(store, plan, fail))).toBe(42);
    expect((await batchStatus(store, plan)).failures).toMatchObject([{ status: 'failed', attempts: 3 }]);
  });

  it('ends at a full disk, and asks to be tried again', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(3));
    const full = () =>
      new FileError({ action: 'write', file: 'x', cause: Object.assign(new Error('full'), { code: 'ENOSPC' }) });
    const outcome = await run(store, plan, squareWorker(failAt('n1', full)));
    expect([outcome.done, outcome.failed, exitCodeOf(outcome)]).toEqual([1, 0, 75]);
    expect(outcome.fatal).toBeInstanceOf(FileError);
  });

  it('does not do an item whose inputs have changed since the plan', async () => {
    const store = new MemoryStore();
    await store.write('input', 'abc');
    const { plan } = await planSquares(store, numbers(1, ['input']), { inputs: 'content' });
    await store.write('input', 'abd');
    expect(await run(store, plan, squareWorker())).toMatchObject({ failed: 1 });
    expect((await batchStatus(store, plan)).failures[0]!.reason).toContain('Plan again');
    const { plan: again } = await planSquares(store, numbers(1, ['input']), { inputs: 'content' });
    expect(await run(store, again, squareWorker())).toMatchObject({ done: 1, failed: 0 });
  });

  it('may be run by several at once, over files', async () => {
    const store = new FileStore();
    const { plan } = await planSquares(store, numbers(60), { folder: join(folder, 'twice') });
    const tried: string[] = [];
    const both = [1, 2, 3].map(() => run(new FileStore(), plan, squareWorker(undefined, tried)));
    for (const outcome of await Promise.all(both)) expect(outcome).toMatchObject({ failed: 0, retry: 0 });
    expect(tried.length).toBeGreaterThan(60);
    const out = join(folder, 'twice.jsonl');
    expect(await mergeResults(store, plan, { files: [{ path: out }] })).toMatchObject({ rows: 60, done: 60 });
    expect(new Set((await readText(store, out)).trim().split('\n')).size).toBe(60);
    expect((await store.list(join(plan.folder, 'results/00000'))).every((name) => name.endsWith('.done.jsonl'))).toBe(
      true,
    );
  });

  it('may put its results elsewhere, and is merged from there', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(4));
    await run(store, plan, squareWorker(), { results: 'a', shard: { index: 1, of: 2 } });
    await run(store, plan, squareWorker(failAt('n3', damaged)), { results: 'b', shard: { index: 2, of: 2 } });
    const roots = ['p', 'a', 'b'];
    expect(await batchStatus(store, plan, { roots })).toMatchObject({ done: 3, failed: 1, missing: 0 });
    expect(await mergeResults(store, plan, { roots, files: [] })).toMatchObject({ rows: 4, done: 3, failed: 1 });
    expect(await batchStatus(store, plan)).toMatchObject({ done: 0, missing: 4 });
  });
});

describe('the status', () => {
  it('tells runners at work from lost ones, and how long the rest takes', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(10));
    let during: unknown;
    const open: ShardTask['open'] = async () => ({
      ...(await squareWorker()()),
      async run(item) {
        during ??= await batchStatus(store, plan);
        return { rows: [item] };
      },
    });
    await run(store, plan, open, { shard: { index: 2, of: 2 } });
    expect(during).toMatchObject({ running: [{ shard: '2/2', host: 'here', pid: 1 }], lost: 0, missing: 10 });
    const ended = await batchStatus(store, plan);
    expect(ended).toMatchObject({ running: [], done: 5, missing: 5, secondsLeft: null });
    expect(ended.secondsPerItem).toBeGreaterThanOrEqual(0);

    const [file] = [...store.files.keys()].filter((name) => name.startsWith('p/runners/'));
    const record = { ...JSON.parse(await readText(store, file!)), state: 'running', tried: 5, seconds: 10 };
    await store.write(file!, JSON.stringify(record));
    await store.write('p/runners/damaged.json', '{');
    expect(await batchStatus(store, plan)).toMatchObject({ running: [{ shard: '2/2' }], lost: 0, secondsLeft: 10 });
    const later = await batchStatus(store, plan, { now: Date.now() + 120_000 });
    expect(later).toMatchObject({ running: [], lost: 1, secondsLeft: null, secondsPerItem: 2 });
  });
});
