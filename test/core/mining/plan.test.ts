import { describe, expect, test } from 'vitest';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { exclusions } from '../../../packages/core/src/mining/exclusion.ts';
import { anchorsOf, planMining, trainingOn } from '../../../packages/core/src/mining/plan.ts';
import { guardWhere } from '../dataset/fake_guard.ts';
import { fakeDataset, fakeRecords } from './fake_model.ts';

const records = (count: number) => fakeRecords(count).map((record, i) => ({ ...record, sar: `${i}.tif` }));
const all = (count: number) => Array.from({ length: count }, (_, i) => i);
const options = { split: 'train', seed: 1, maxCandidates: 10, pairsPerBlock: 200 } as const;

describe('the plan', () => {
  test('makes every pair an anchor once, and gives each block a pool of its own', () => {
    const plan = planMining(records(70), all(70), options);
    expect(plan).toMatchObject({ anchors: 70, candidates: 10, available: 70, pairs: 700 });
    expect(plan.blocks.map(({ anchors }) => anchors.length)).toEqual([20, 20, 20, 10]);
    expect(plan.blocks.flatMap(({ anchors }) => anchors).toSorted((a, b) => a - b)).toEqual(all(70));
    expect(new Set(plan.blocks.map(({ pool }) => pool.join())).size).toBe(4);
    for (const { pool } of plan.blocks) expect(new Set(pool).size).toBe(10);
  });

  test('takes anchors in the same random order, whatever the seed', () => {
    const anchors = (seed: number) =>
      planMining(records(70), all(70), { ...options, seed }).blocks.map((block) => block.anchors);
    expect(anchors(2)).toEqual(anchors(1));
    expect(anchors(1).flat()).not.toEqual(all(70));
  });

  test('takes the whole split where it is small enough, in blocks that stay small', () => {
    const plan = planMining(records(700), all(700), { ...options, maxCandidates: 1000, pairsPerBlock: 2 ** 30 });
    expect(plan.blocks.map(({ anchors }) => anchors.length)).toEqual([512, 188]);
    expect(plan.blocks.every(({ pool }) => pool.length === 700)).toBe(true);
  });

  test('is the same for the same seed and whatever the order of the split', () => {
    const plan = planMining(records(70), all(70), options);
    expect(planMining(records(70), all(70).toReversed(), options)).toEqual(plan);
    expect(planMining(records(70), all(70), { ...options, seed: 2 })).not.toEqual(plan);
  });

  test('takes each candidate equally often, about', () => {
    const uses = new Map<number, number>();
    const { blocks } = planMining(records(100), all(100), { ...options, pairsPerBlock: 10 });
    for (const candidate of blocks.flatMap(({ pool }) => pool)) uses.set(candidate, (uses.get(candidate) ?? 0) + 1);
    expect(uses.size).toBe(100);
    expect(Math.max(...uses.values())).toBeLessThan(25); // mean 10, σ = 3
  });

  test('leaves out negatives and generated pairs, and needs two pairs', () => {
    const mixed = records(6);
    mixed[1]!.label = 0;
    mixed[4]!.provenance = 'generated';
    const [block] = planMining(mixed, all(6), options).blocks;
    expect(block!.pool).toEqual([0, 2, 3, 5]);
    expect(block!.anchors.toSorted()).toEqual([0, 2, 3, 5]);
    expect(() => planMining(mixed, [0, 1, 4], options)).toThrow(SplitError);
    expect(() => planMining(mixed, [0, 1, 4], options)).toThrow(/"train": expected at least two .* found 1 among 3/);
  });
});

describe('exclusions', () => {
  test('hold for every record that shares a guarded image', () => {
    const sharing = records(6);
    sharing[4]!.sar = '1.tif'; // another optical view of the patch beside the anchor
    sharing[5]!.sar = '0.tif'; // another optical view of the anchor
    const excluded = exclusions(
      sharing,
      guardWhere((i, j) => i === 0 && j === 1),
      2,
    );
    const exclusion = excluded.for(0);
    expect(all(6).filter((candidate) => exclusion.isGuarded(candidate))).toEqual([0, 1, 4, 5]);
    expect(exclusion.imageOf(1)).toBe(exclusion.imageOf(4));
    expect(exclusion.imageOf(2)).not.toBe(exclusion.imageOf(3));
  });

  test('count the uses of an image under all its records', () => {
    const sharing = records(4);
    sharing[3]!.sar = '2.tif';
    const excluded = exclusions(
      sharing,
      guardWhere(() => false),
      2,
    );
    for (const candidate of [1, 2, 3]) excluded.use(candidate);
    expect(all(4).filter((candidate) => excluded.for(0).isSpent(candidate))).toEqual([2, 3]);
    expect(excluded.variety()).toEqual({ images: 2, mostUsed: 2 });
  });
});

describe('a data set for some anchors', () => {
  test('has these in its training split, in the order of the split, and other splits as they were', () => {
    const dataset = { ...fakeDataset(6), indicesOf: (split: string) => (split === 'train' ? [0, 1, 2, 3] : [4, 5]) };
    const some = trainingOn(dataset, [3, 5, 1]);
    expect(anchorsOf(some, 'train')).toEqual([1, 3]);
    expect(some.indicesOf('test')).toEqual([4, 5]);
    expect(() => anchorsOf(trainingOn(dataset, [5]), 'train')).toThrow(/"train".*none among 0 pairs/);
  });
});
