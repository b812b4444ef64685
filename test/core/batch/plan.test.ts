/** Plans: the same manifest is the same plan. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openPlan } from '../../../packages/core/src/batch/plan.ts';
import { FileStore } from '../../../packages/core/src/node.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { numbers, planSquares } from './squares.ts';

const folder = mkdtempSync(join(tmpdir(), 'doppel-plan-'));
afterAll(() => rmSync(folder, { recursive: true }));

const idsOf = async (store: MemoryStore, from?: number, to?: number) => {
  const ids: string[] = [];
  for await (const { id } of (await openPlan(store, 'p')).items(from, to)) ids.push(id);
  return ids;
};

describe('a plan', () => {
  it('has its items in order, from any position', async () => {
    const store = new MemoryStore();
    const { plan } = await planSquares(store, numbers(250));
    expect(plan.header.items).toBe(250);
    expect(await idsOf(store)).toEqual(Array.from({ length: 250 }, (_, i) => `n${i}`));
    expect(await idsOf(store, 198, 202)).toEqual(['n198', 'n199', 'n200', 'n201']);
  });

  it('is the same for the same items, model and settings, and only then', async () => {
    const store = new MemoryStore();
    await planSquares(store, numbers(3));
    const before = new Map(store.files);
    expect((await planSquares(store, numbers(3))).isNew).toBe(false);
    expect(store.files).toEqual(before);
    const { plan } = await planSquares(store, numbers(3), { settings: { side: 2 } });
    const [first] = await plan.fingerprints(0, 1);
    expect((await planSquares(store, numbers(3), { tools: { model: 'b' } })).isNew).toBe(true);
    expect(await (await openPlan(store, 'p')).fingerprints(0, 1)).not.toEqual([first]);
    expect([...store.files.keys()].filter((name) => name.startsWith('p/plan/'))).toHaveLength(2); // of the plan that holds
  });

  it('keeps the fingerprints of items that were there when the manifest grows', async () => {
    const store = new MemoryStore();
    const before = await (await planSquares(store, numbers(3))).plan.fingerprints(0, 3);
    const after = await (await planSquares(store, numbers(4))).plan.fingerprints(0, 3);
    expect(after).toEqual(before);
  });

  it('has other fingerprints for other inputs, by what is looked at', async () => {
    const store = new FileStore();
    const input = join(folder, 'input');
    const printOf = async (inputs: 'time' | 'size' | 'content') => {
      const { plan } = await planSquares(store, numbers(1, [input]), { folder: join(folder, inputs), inputs });
      return plan.fingerprints(0, 1);
    };
    await store.write(input, 'ab');
    const before = await Promise.all([printOf('time'), printOf('size'), printOf('content')]);
    await store.write(input, 'cd');
    const after = await Promise.all([printOf('time'), printOf('size'), printOf('content')]);
    expect(after.map((each, i) => each[0] === before[i]![0])).toEqual([false, true, false]);
    await store.write(input, 'cde');
    expect(await printOf('size')).not.toEqual(after[1]);
  });

  it('refuses an empty manifest and a damaged file', async () => {
    const store = new MemoryStore();
    await expect(planSquares(store, numbers(0))).rejects.toThrow('expected at least one item, found none');
    expect([...store.files.keys()]).toEqual([]);
    await expect(openPlan(store, 'p')).rejects.toThrow('Make one by `doppel batch plan`');
    const { plan } = await planSquares(store, numbers(3));
    await store.write(`p/plan/${plan.header.name}.index`, new Uint8Array(20));
    await expect(idsOf(store)).rejects.toThrow('expected 48 bytes, found 20 bytes');
    await store.write('p/plan.json', '{}');
    await expect(openPlan(store, 'p')).rejects.toThrow('a plan of `doppel batch plan`');
  });
});
