/** Patches that are made, and not hard; and that training gets them, whether a generator took part or none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { decodeFor, forEachEncoded } from '../../../../packages/core/src/generator/make_patches.ts';
import { patchDistance } from '../../../../packages/core/src/generator/patch_distance.ts';
import { patchAt } from '../../../../packages/core/src/generator/patch_stack.ts';
import type { GrainGenerator } from '../../../../packages/core/src/generator/remake.ts';
import { gaussian } from '../../../../packages/core/src/localisation/gaussian.ts';
import { blurred } from '../../../../packages/core/src/mining/blurred.ts';
import { makerOf } from '../../../../packages/core/src/mining/made.ts';
import { isMade } from '../../../../packages/core/src/mining/negatives.ts';
import { readNegatives, writeNegatives } from '../../../../packages/core/src/mining/negatives_file.ts';
import { blocks } from '../../../../packages/core/src/mining/strategies/blocks.ts';
import { placebo } from '../../../../packages/core/src/mining/strategies/placebo.ts';
import type { Bench, Negatives } from '../../../../packages/core/src/mining/strategy.ts';
import { preparePatch } from '../../../../packages/core/src/prepare/prepared_patches.ts';
import type { Raster } from '../../../../packages/core/src/raster/raster.ts';
import { convertUnit } from '../../../../packages/core/src/raster/units.ts';
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
    expect(changed, 'margins of blurred patches are whole').toBe(1);
    expect(roughness(data)).toBeLessThan(roughness(own) / 2);
    const others = [0, 1, 2, 3, 4, 5].filter((record) => record !== optical);
    for (const other of others) {
      expect(patchDistance(data, own, SIDE)).toBeLessThan(patchDistance(data, prepared(other), SIDE));
    }
  }
});

describe('the blur of a patch', () => {
  const side = 16;
  const raster = (change: Partial<Raster>): Raster => ({
    ...{ data: new Float32Array(side * side), width: side, height: side, bands: 1, unit: 'amplitude' },
    ...change,
  });
  const noise = Float32Array.from({ length: side * side }, (_, i) => 100.5 + 60 * Math.sin(i * i));

  it('is the mean in dB, whatever the unit', () => {
    const amplitude = raster({ data: noise });
    const decibels = convertUnit(amplitude, 'dB', 'the test');
    const expected = gaussian(decibels.data, side, side, 1, 1.5);
    for (const unit of ['amplitude', 'intensity', 'dB'] as const) {
      const made = convertUnit(blurred(convertUnit(amplitude, unit, 'the test'), 1.5, 'dB'), 'dB', 'the test');
      for (const [i, value] of made.data.entries()) expect(value).toBeCloseTo(expected[i]!, 3);
    }
    const unsaid = blurred(raster({ data: noise, unit: 'digital number' }), 1.5, 'amplitude');
    expect(unsaid.data).toEqual(blurred(amplitude, 1.5, 'dB').data);
  });

  it('keeps missing samples, which give nothing to their neighbours', () => {
    const data = new Float32Array(side * side).fill(7.5);
    const noData = new Uint8Array(side * side);
    data.set([0, Number.NaN, 5000], 100);
    noData[102] = 1;
    const made = blurred(raster({ data, noData }), 1.5, 'amplitude');
    expect([...made.data.subarray(100, 103)]).toEqual([0, Number.NaN, 5000]);
    expect(made.noData).toBe(noData);
    const others = made.data.filter((_, i) => i < 100 || i > 102);
    for (const value of others) expect(value).toBeCloseTo(7.5, 4);
  });

  it('is rounded where the source is of whole numbers, and no sample becomes missing', () => {
    const whole = blurred(raster({ data: noise.map(Math.round) }), 1.5, 'amplitude');
    expect(whole.data.every(Number.isInteger)).toBe(true);
    const dark = blurred(raster({ data: new Float32Array(side * side).fill(1) }), 1.5, 'amplitude');
    expect(dark.data.every((value) => value === 1)).toBe(true);
  });
});

it('a reconstruction is that of a patch of other ground', async () => {
  const own = bench();
  const found = await placebo.find(own, placebo.settings.parse({}), {});
  const records = [0, 1, 2, 3, 4, 5];
  const rebuilt: Float32Array[] = [];
  const maker = makerOf(generator, { match: 'none' }, own, {});
  await forEachEncoded(maker, records, async ({ mu }, batch, _, encoded) => {
    rebuilt.push(...(await decodeFor(maker, mu, batch, encoded, 0)));
  });
  const sources = patchesOf(found).map(({ optical, data }) => {
    const isSame = (patch: Float32Array) => patch.every((value, i) => Math.abs(value - data[i]!) < 1e-4);
    const [source, ...more] = records.filter((record) => isSame(rebuilt[record]!));
    expect(more).toEqual([]);
    expect(own.guard.conflict(source!, optical), `${source} for ${optical}`).toBe(false);
    return source;
  });
  expect(new Set(sources).size, 'drawn at random').toBeGreaterThan(1);
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
