/** The parts of an experiment by themselves: plan, budgets, shifted patches, look-alikes. */

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../packages/core/src/base/random.ts';
import { UsageError } from '../../packages/core/src/errors.ts';
import { withBudget } from '../../packages/experiment/src/budget.ts';
import { moveOf, parseExperiment, stagesOf } from '../../packages/experiment/src/config.ts';
import { descriptor, findLookAlikes } from '../../packages/experiment/src/look_alikes.ts';
import { planCells } from '../../packages/experiment/src/plan.ts';
import { drawShift, neighbourFinder, shiftPatch } from '../../packages/experiment/src/shifted_patches.ts';
import { guardWhere } from '../core/dataset/fake_guard.ts';
import { patch, syntheticDataset } from '../core/training/matcher/synthetic.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const settings = {
  data: 'data/a',
  seeds: [11, 23, 37],
  budgets: [0.25, 1],
  matchers: ['paper-bn', 'two-channel'],
  generators: { vae: 'g.safetensors' },
  arms: {
    random: { strategy: 'random' },
    nearest: { strategy: 'nearest' },
    generated: { strategy: 'generated', generator: 'vae' },
  },
  base: { epochs: 2, stepsPerEpoch: 10 },
  tune: { epochs: 1, stepsPerEpoch: 10 },
};

const armOf = (arm: object) => ({
  arms: { ...settings.arms, made: { strategy: 'generated', generator: 'vae', ...arm } },
});

it('the shortcut has the move of an arm, and none where it cannot make its patches', () => {
  const move = (arm: object) => moveOf(parseExperiment({ ...settings, ...armOf(arm) }, 'a.yaml').arms.made!);
  expect(move({ rule: 'sample', strength: 2 })).toEqual({ rule: 'sample', strength: 2, edit: 'whole' });
  for (const arm of [{ rule: 'swap', strength: 0.25 }, { rule: 'mix', strength: 0.5 }, { edit: 'ratio' }]) {
    expect(move(arm)).toBeUndefined();
  }
  expect(moveOf({ strategy: 'random' })).toMatchObject({ rule: 'sigma', strength: 1 });
});

describe('the plan', () => {
  const config = parseExperiment(settings, 'a.yaml');

  it('has a cell for each matcher, budget, seed and arm that is possible', () => {
    const groups = planCells(config);
    expect(groups).toHaveLength(3 * 2 * 2);
    const names = (matcher: string) => groups.find((group) => group.matcher === matcher)!.arms.map(({ name }) => name);
    expect(names('paper-bn')).toEqual(['random', 'nearest', 'generated']);
    expect(names('two-channel')).toEqual(['random', 'generated']); // it has no features of a SAR patch alone
    expect(groups.slice(0, 4).every(({ seed }) => seed === 11)).toBe(true);
  });

  it('gives a budget the lengths that it asks for, and the others the common ones', () => {
    const longer = parseExperiment({ ...settings, byBudget: { 0.25: { base: { epochs: 5 } } } }, 'a.yaml');
    expect(stagesOf(longer, 0.25)).toMatchObject({ base: { epochs: 5, stepsPerEpoch: 10 }, tune: { epochs: 1 } });
    expect(stagesOf(longer, 1)).toMatchObject({ base: { epochs: 2, stepsPerEpoch: 10 }, tune: { epochs: 1 } });
    expect(() => parseExperiment({ ...settings, byBudget: { 0.5: {} } }, 'a.yaml')).toThrow(/byBudget.*0\.5/);
  });

  it('falls into shards that share nothing and miss nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 15 }), (of) => {
        const shards = Array.from({ length: of }, (_, i) => planCells(config, { shard: { index: i + 1, of } }));
        const key = ({ matcher, budget, seed }: { matcher: string; budget: number; seed: number }) =>
          `${matcher} ${budget} ${seed}`;
        expect(shards.flat().map(key).sort()).toEqual(planCells(config).map(key).sort());
      }),
    );
  });

  it('takes a selection of arms and seeds, and refuses what is not in the configuration', () => {
    const groups = planCells(config, { arms: ['random'], seeds: [23] });
    expect(groups.every(({ seed, arms }) => seed === 23 && arms.length === 1)).toBe(true);
    expect(() => planCells(config, { arms: ['hardest'] })).toThrow(/arms among random, nearest, generated.*hardest/);
    expect(() => planCells(config, { seeds: [1] })).toThrow(UsageError);
  });

  it.each([
    [{ arms: { loss: { strategy: 'loss' } } }, /an arm "random" of the strategy random/],
    [{ generators: {} }, /a generator "vae".*as the arm generated uses it/],
    [{ seeds: [1, 1] }, /each of "seeds" once/],
    [{ budgets: [0] }, /"budgets\.0"/],
    [{ arms: { ...settings.arms, 'A b': { strategy: 'random' } } }, /"arms/],
    [{ speed: 3 }, /speed/],
    [armOf({ rule: 'swap' }), /"arms\.made\.strength".*above 0 and below 1.*not 1/],
    [armOf({ edit: 'ratio', reconstructions: true }), /"arms\.made\.reconstructions".*true patch itself/],
    [armOf({ strategy: 'adaptive', rule: 'mix', strengths: [2] }), /"arms\.made\.strengths".*below 1.*not 2/],
  ])('refuses a configuration that cannot be meant: %o', (change, message) => {
    expect(() => parseExperiment({ ...settings, ...change }, 'a.yaml')).toThrow(message);
  });
});

describe('a budget', () => {
  const dataset = syntheticDataset({ places: 24, pairsEach: 2, split: [20, 2, 2] });
  const placesOf = (budget: number, seed: number) =>
    new Set(
      withBudget(dataset, budget, seed)
        .indicesOf('train')
        .map((index) => dataset.records[index]!.group),
    );

  it('keeps its share of the places whole, smaller ones inside larger ones, and other splits as they are', () => {
    for (const seed of [1, 2, 3]) {
      const [tenth, quarter, all] = [placesOf(0.1, seed), placesOf(0.25, seed), placesOf(1, seed)];
      expect([tenth.size, quarter.size, all.size]).toEqual([2, 5, 20]);
      expect([...tenth].every((place) => quarter.has(place))).toBe(true);
      expect(withBudget(dataset, 0.25, seed).indicesOf('train')).toHaveLength(10);
      expect(withBudget(dataset, 0.25, seed).indicesOf('test')).toEqual(dataset.indicesOf('test'));
    }
    expect([...placesOf(0.25, 1)].sort()).not.toEqual([...placesOf(0.25, 2)].sort());
  });

  it('holds for scenes that windows are drawn from', () => {
    const scenes = dataset
      .indicesOf('train')
      .map((record) => ({ id: `${record}`, group: dataset.records[record]!.group }));
    const whole = { ...dataset, scenesOf: () => scenes as unknown as ReturnType<typeof dataset.scenesOf> };
    const cut = withBudget(whole, 0.25, 1);
    expect(new Set(cut.scenesOf('train').map(({ group }) => group))).toEqual(placesOf(0.25, 1));
    expect(cut.scenesOf('validation')).toHaveLength(scenes.length);
  });
});

describe('a shifted patch', () => {
  const raster = (values: number[]) => ({
    data: Float32Array.from(values),
    width: 3,
    height: 3,
    bands: 1,
    unit: 'amplitude' as const,
  });
  const own = raster([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const beside = raster([10, 20, 30, 40, 50, 60, 70, 80, 90]);

  it('takes what comes in at the edge from the neighbour', () => {
    expect([...shiftPatch(own, beside, [1, 0], 1).data]).toEqual([2, 3, 10, 5, 6, 40, 8, 9, 70]);
    expect([...shiftPatch(own, beside, [-1, 0], 2).data]).toEqual([20, 30, 1, 50, 60, 4, 80, 90, 7]);
    expect([...shiftPatch(own, beside, [0, 1], 1).data]).toEqual([4, 5, 6, 7, 8, 9, 10, 20, 30]);
    expect([...shiftPatch(own, beside, [0, -1], 1).data]).toEqual([70, 80, 90, 1, 2, 3, 4, 5, 6]);
  });

  it('is mirrored where there is none, and carries its gaps along', () => {
    expect([...shiftPatch(own, undefined, [1, 0], 2).data]).toEqual([3, 3, 2, 6, 6, 5, 9, 9, 8]);
    const gaps = { ...own, noData: Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 0, 0) };
    expect([...shiftPatch(gaps, beside, [1, 0], 1).noData!]).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(shiftPatch(own, beside, [1, 0], 1).noData).toBeUndefined();
  });

  it('finds its neighbour on the grid of the scene, in the same place only', () => {
    const at = (group: string, column: number, row: number) => ({
      group,
      source: { sar: 's.tif', optical: 'o.tif', column, row },
    });
    const records = [at('a', 0, 0), at('a', 64, 0), at('a', 0, 64), at('b', 64, 64), { group: 'a' }];
    const find = neighbourFinder(records, 64);
    expect([find(0, [1, 0]), find(0, [0, 1]), find(0, [-1, 0]), find(2, [1, 0]), find(4, [1, 0])]).toEqual([
      1,
      2,
      undefined,
      undefined,
      undefined,
    ]);
    expect(drawShift(1, find, Rng.derive(1))).toEqual({ direction: [-1, 0], neighbour: 0 });
    expect(drawShift(3, find, Rng.derive(1)).neighbour).toBeUndefined();
  });

  it('finds it among windows of a scene, too', () => {
    const at = (scene: string, column: number) => ({ group: 'a', window: { scene, column, row: 64 } });
    const find = neighbourFinder([at('s', 0), at('s', 64), at('t', 128)], 64);
    expect([find(0, [1, 0]), find(1, [-1, 0]), find(1, [1, 0])]).toEqual([1, 0, undefined]);
  });
});

describe('look-alikes', () => {
  const side = 32;
  /** Record 2n + 1 is record 2n with noise; even ones are all different. */
  const sar = (index: number) => {
    const { data } = patch(side, index - (index % 2), 'sar');
    return index % 2 === 0 ? data : data.map((value, i) => value + 5 * Math.sin(i * i));
  };
  const task = {
    ...{ anchors: [0, 2, 4, 6], candidates: [0, 1, 2, 3, 4, 5, 6, 7], side, maxUses: 9 },
    patches: { sar, optical: sar },
    guard: guardWhere((i, j) => i === j),
  };

  it('are the patches that look most alike', async () => {
    expect(await findLookAlikes(task)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(descriptor(sar(0), side)).toHaveLength(128);
  });

  it('never show the same ground, and are not one patch for all', async () => {
    const near = guardWhere((i, j) => Math.floor(i / 2) === Math.floor(j / 2));
    const found = await findLookAlikes({ ...task, guard: near });
    expect(found).toHaveLength(4);
    expect(found.every(([a, b]) => !near.conflict(a, b))).toBe(true);
    const once = await findLookAlikes({ ...task, candidates: [9, 11], maxUses: 1 });
    expect(once.map(([anchor]) => anchor)).toEqual([0, 2]);
    expect(new Set(once.map(([, sar]) => sar)).size).toBe(2);
  });
});
