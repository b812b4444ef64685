/** Patches that are made, and not hard; and that training gets them, whether a generator took part or none. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { changedShare, patchDistance } from '../../../../packages/core/src/generator/patch_distance.ts';
import { patchAt } from '../../../../packages/core/src/generator/patch_stack.ts';
import type { GrainGenerator } from '../../../../packages/core/src/generator/remake.ts';
import { isMade } from '../../../../packages/core/src/mining/negatives.ts';
import { readNegatives, writeNegatives } from '../../../../packages/core/src/mining/negatives_file.ts';
import { blocks } from '../../../../packages/core/src/mining/strategies/blocks.ts';
import { placebo } from '../../../../packages/core/src/mining/strategies/placebo.ts';
import type { Bench, Negatives } from '../../../../packages/core/src/mining/strategy.ts';
import { preparePatch } from '../../../../packages/core/src/prepare/prepared_patches.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { amplitudeOf, spatialGenerator } from '../../generator/spatial/fixture.ts';
import { dataset, normalisation as fake, fakeBench, model } from '../fake_generator.ts';

const SIDE = 32;
let generator: GrainGenerator;
beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  generator = spatialGenerator(SIDE, ['p0', 'p1', 'p2']);
});
afterAll(() => generator.dispose());

const normalisation = { ...fake, side: SIDE, sar: { ...fake.sar, clip: { low: 0, high: 500 } } };
const prepared = (index: number) => preparePatch(amplitudeOf(index, SIDE), 'sar', normalisation, '');
const bench = (change: Partial<Bench> = {}) =>
  fakeBench({
    dataset: { ...dataset, readSar: async (index: number) => amplitudeOf(index, SIDE) },
    patches: { sar: prepared, optical: prepared },
    ...{ generator, model: { ...model, info: { ...model.info, side: SIDE }, normalisation } },
    ...change,
  });

const patchesOf = ({ negatives, patches }: Negatives) =>
  negatives.filter(isMade).map(({ optical, patch, changed }) => ({ optical, changed, data: patchAt(patches!, patch) }));

it('a blurred patch keeps its content and loses its texture', async () => {
  const settings = placebo.settings.parse({ kind: 'blur', deviation: 1 });
  const found = await placebo.find(bench({ generator: undefined }), settings, {});
  expect(found.header).toMatchObject({ strategy: 'placebo', generatorFingerprint: null });
  const roughness = (patch: Float32Array) =>
    patch.reduce((sum, value, i) => (i % SIDE === 0 ? sum : sum + (value - patch[i - 1]!) ** 2), 0);
  const made = patchesOf(found);
  expect(made).toHaveLength(6);
  for (const { optical, changed, data } of made) {
    const own = prepared(optical);
    expect(changed).toBe(changedShare(data, own, SIDE));
    expect(roughness(data)).toBeLessThan(roughness(own) / 2);
    const others = [0, 1, 2, 3, 4, 5].filter((record) => record !== optical);
    for (const other of others) {
      expect(patchDistance(data, own, SIDE)).toBeLessThan(patchDistance(data, prepared(other), SIDE));
    }
  }
});

it('a reconstruction is that of a patch of other ground', async () => {
  const found = await placebo.find(bench(), placebo.settings.parse({}), {});
  const again = await placebo.find(bench(), placebo.settings.parse({}), {});
  expect(patchesOf(again)).toEqual(patchesOf(found));
  expect(found.negatives.map(({ optical }) => optical).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  const other = await placebo.find(bench({ seed: 9 }), placebo.settings.parse({}), {});
  expect(patchesOf(other)).not.toEqual(patchesOf(found));
});

it('patches that no generator made are read with their scores and the share that was changed', async () => {
  const store = new MemoryStore();
  const own = bench({ generator: undefined });
  const found = await blocks.find(own, { blob: 0.3, k: 1 }, {});
  for (const [name, content] of await writeNegatives(found, dataset.records, 'negatives.jsonl')) {
    await store.write(name, content);
  }
  const { generated, mined } = await readNegatives(store, 'negatives.jsonl', dataset);
  expect(mined).toEqual([]);
  expect(generated!.generator).toBeNull();
  expect(generated!.patches.count).toBe(6);
  expect(generated!.negatives).toEqual(
    found.negatives
      .filter(isMade)
      .map(({ optical, patch, changed, score, positiveScore }) => ({ optical, patch, changed, score, positiveScore })),
  );
});
