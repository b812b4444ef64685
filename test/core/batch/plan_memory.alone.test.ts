/** Memory of a long plan; the heap is counted, so that this file runs alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { statesOf } from '../../../packages/core/src/batch/results.ts';
import { FileStore } from '../../../packages/core/src/node.ts';
import { numbers, planSquares } from './squares.ts';

const folder = mkdtempSync(join(tmpdir(), 'doppel-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a plan', () => {
  it('of 100,000 items is written and looked at within a few megabytes', { timeout: 240_000 }, async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const store = new FileStore();
    const heap: number[] = [];
    const measure = () => {
      collect();
      heap.push(process.memoryUsage().heapUsed);
    };
    async function* measured() {
      for await (const item of numbers(100_000)) {
        if (Number(item.details) % 25_000 === 100) measure();
        yield item;
      }
    }
    const { plan } = await planSquares(store, measured(), { folder: join(folder, 'long') });
    let count = 0;
    for await (const { state } of statesOf(store, plan, [plan.folder])) {
      if (state === 'missing' && count++ % 25_000 === 100) measure();
    }
    for await (const { index } of plan.items(99_000)) if (index === 99_500) measure();
    expect(count).toBe(100_000);
    expect(Math.max(...heap) - heap[0]!).toBeLessThan(8 * 2 ** 20);
  });
});
