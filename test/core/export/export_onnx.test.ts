/** Exported models compute what the checkpoint computes: two builds of onnxruntime against the backend `native`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { examineBackends, selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { readSafetensors } from '../../../packages/core/src/base/safetensors.ts';
import { exportOnnx, type OnnxModel } from '../../../packages/core/src/export/export_onnx.ts';
import { ARCHITECTURES } from '../../../packages/core/src/matcher/architectures.ts';
import { parseMatcherConfig } from '../../../packages/core/src/matcher/matcher.ts';
import { parameterSpecs } from '../../../packages/core/src/matcher/network_layers.ts';
import type { ScorerHalves } from '../../../packages/core/src/matcher/scorer.ts';
import { type Model, openModel, type RasterPair } from '../../../packages/core/src/model.ts';
import { MODALITIES, type Modality } from '../../../packages/core/src/prepare/normalisation.ts';
import { prepareWindow } from '../../../packages/core/src/prepare/prepared_windows.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { backendLoaders } from '../../backends.ts';
import { sharedFolder } from '../../shared.ts';
import {
  checkpointOf,
  type ImageOptions,
  image,
  type NormalisationChanges,
  normalisationOf,
  planes,
  randomCheckpoint,
} from './exported.ts';
import { RUNTIMES, type Run } from './runtimes.ts';

const { native } = (await examineBackends(await backendLoaders())).report;
const skipped = native.available ? '' : ` (skipped: no backend native: ${native.reason})`;
const golden = sharedFolder() && join(sharedFolder()!, 'golden/matcher-64.safetensors');

const TOLERANCE = 1e-5;

const differencesOf = (found: ArrayLike<number>, wanted: ArrayLike<number>): number[] => {
  expect(found.length).toBe(wanted.length);
  return Array.from(wanted, (each, i) => Math.abs(found[i]! - each));
};

/** Largest difference, relative for numbers above 1. */
const errorOf = (found: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  Math.max(...differencesOf(found, wanted).map((each, i) => each / Math.max(1, Math.abs(wanted[i]!))));

/** Length of the difference over the length: vectors of any length that are compared by their cosines. */
const errorOfVector = (found: ArrayLike<number>, wanted: ArrayLike<number>): number =>
  Math.hypot(...differencesOf(found, wanted)) / Math.hypot(...Array.from(wanted));

const named = (models: readonly OnnxModel[], name: string) => models.find((each) => each.name === name)!;

/** Runs an exported model in every runtime. */
async function eachRuntime(bytes: Uint8Array, check: (run: Run, name: string) => Promise<void>): Promise<void> {
  for (const { name, load } of RUNTIMES) await check(await load(bytes), name);
}

const inputsOf = (pairs: readonly RasterPair[]) => ({
  sar: planes(pairs.map(({ sar }) => sar)),
  optical: planes(pairs.map(({ optical }) => optical)),
});

/** Holds scores and probabilities of the exported pair model against the checkpoint's, for each set of pairs. */
async function expectSameScores(checkpoint: Uint8Array, model: Model, sets: readonly (readonly RasterPair[])[]) {
  const { bytes } = named(await exportOnnx(checkpoint, 'best'), 'pair');
  const wanted = await Promise.all(sets.map((pairs) => model.score(pairs)));
  for (const scores of wanted) expect(new Set(scores.map(({ score }) => score)).size).toBe(scores.length); // told apart
  await eachRuntime(bytes, async (run, name) => {
    for (const [i, pairs] of sets.entries()) {
      const found = await run(inputsOf(pairs));
      expect(found.score!.dims, name).toEqual([pairs.length, 1]);
      for (const figure of ['score', 'probability'] as const) {
        const values = wanted[i]!.map((each) => each[figure]);
        expect(errorOf(found[figure]!.data, values), `${figure}, ${name}`).toBeLessThan(TOLERANCE);
      }
    }
  });
}

const pairsOf = (count: number, sar: Partial<ImageOptions> = {}, optical: Partial<ImageOptions> = {}): RasterPair[] =>
  Array.from({ length: count }, (_, i) => ({
    sar: image(i, { height: 64, width: 64, ...sar }),
    optical: image(100 + i, { height: 64, width: 64, ...optical }),
  }));

/** Cells as an exported tower orders them, and the descriptor. */
function towerOf(model: Model, sensor: Modality, tiles: readonly Raster[]) {
  const { features, ...halves } = model.scorer.halves as ScorerHalves;
  const [{ height, width, bands }] = tiles as [Raster];
  return tf.tidy(() => {
    const prepared = tiles.map((tile) => [...prepareWindow(tile, sensor, model.normalisation, 'tile')]);
    const x = tf.tensor4d(prepared.flat(), [tiles.length, height, width, bands]);
    const cells = tf.transpose(halves[sensor](x), [0, 3, 1, 2]);
    return { dims: cells.shape, cells: cells.dataSync(), descriptor: features(x, sensor).dataSync() };
  });
}

describe.skipIf(!native.available)(`within ${TOLERANCE} of native${skipped}`, () => {
  beforeAll(async () => {
    await selectBackend({ requested: 'native', loaders: await backendLoaders() });
  });

  it.each(ARCHITECTURES.names())('scores of %s', async (preset) => {
    const checkpoint = await randomCheckpoint({ preset }, normalisationOf(64));
    const model = await openModel(checkpoint, preset);
    await expectSameScores(checkpoint, model, [pairsOf(1), pairsOf(4)]);
    model.dispose();
  });

  const rgb = { height: 64, width: 64, bands: 3 };
  const lee = { kind: 'lee', window: 5, looks: 4.4 } as const;
  const dataset = { standardise: 'dataset', mean: 100, std: 40 } as const;
  const cases: [string, NormalisationChanges, Partial<ImageOptions>?, Partial<ImageOptions>?][] = [
    ['statistics of the data set, clipped', { sar: { ...dataset, clip: { low: 60, high: 150 } }, optical: dataset }],
    ['three bands', { optical: { bands: 'rgb', ...dataset } }, {}, rgb],
    ['three bands by patch', { optical: { bands: 'rgb' } }, {}, rgb],
    ['gray of three bands', {}, {}, rgb],
    ['missing samples', { optical: { bands: 'rgb', ...dataset } }, { missing: 0.2 }, { ...rgb, missing: 0.3 }],
    ['missing samples by patch', { optical: { bands: 'rgb' } }, { missing: 0.2 }, { ...rgb, missing: 0.3 }],
    ['a large offset', {}, { level: 3000, contrast: 0.01 }, { level: 20000, contrast: 0.001 }],
    ['flat patches', {}, { level: 100.1, contrast: 0 }, { level: 0.3 }],
    ['amplitude → dB', { sar: { source: 'amplitude', unit: 'dB' } }, { unit: 'amplitude', level: 40, contrast: 1.2 }],
    [
      'intensity → dB',
      { sar: { source: 'intensity', unit: 'dB', clip: { low: -25, high: 0 } } },
      { unit: 'intensity', level: 0.05 },
    ],
    ['dB → intensity', { sar: { source: 'dB', unit: 'intensity' } }, { unit: 'dB', level: -14, contrast: 0.2 }],
    ['dB → amplitude', { sar: { source: 'dB', unit: 'amplitude' } }, { unit: 'dB', level: -14, contrast: 0.2 }],
    [
      'amplitude → intensity',
      { sar: { source: 'amplitude', unit: 'intensity' } },
      { unit: 'amplitude', contrast: 1.2 },
    ],
    [
      'intensity → amplitude',
      { sar: { source: 'intensity', unit: 'amplitude' } },
      { unit: 'intensity', contrast: 1.2 },
    ],
    ['Lee filter of digital numbers', { sar: { speckleFilter: lee } }, { missing: 0.1 }],
    [
      'Lee filter of dB',
      { sar: { source: 'amplitude', unit: 'dB', speckleFilter: lee } },
      { unit: 'amplitude', missing: 0.1 },
    ],
    [
      'Lee filter of many looks',
      { sar: { source: 'intensity', unit: 'intensity', speckleFilter: { ...lee, looks: 60 } } },
      { unit: 'intensity', contrast: 0.1 },
    ],
  ];
  it.each(cases)('normalisation: %s', async (_, changes, sar, optical) => {
    const checkpoint = await randomCheckpoint({ width: 8 }, normalisationOf(64, changes));
    const model = await openModel(checkpoint, 'best');
    await expectSameScores(checkpoint, model, [pairsOf(3, sar, optical)]);
    model.dispose();
  });

  it.each([
    [64, 64],
    [96, 40],
    [50, 71],
    [33, 128],
  ])('cells and descriptors of tiles of %i × %i', async (height, width) => {
    const spec = { standardise: 'dataset', mean: 100, std: 40 } as const;
    const checkpoint = await randomCheckpoint(
      {},
      normalisationOf(64, { sar: spec, optical: { ...spec, bands: 'rgb' } }),
    );
    const model = await openModel(checkpoint, 'best');
    const models = await exportOnnx(checkpoint, 'best');
    for (const sensor of MODALITIES) {
      const bands = sensor === 'sar' ? 1 : 3;
      const tiles = [1, 2].map((seed) => image(seed, { height, width, bands, missing: 0.05 }));
      const wanted = towerOf(model, sensor, tiles);
      await eachRuntime(named(models, `tower_${sensor}`).bytes, async (run, name) => {
        const found = await run({ [sensor]: planes(tiles) });
        expect(found.cells!.dims, name).toEqual(wanted.dims);
        expect(errorOf(found.cells!.data, wanted.cells), name).toBeLessThan(TOLERANCE);
        expect(errorOfVector(found.descriptor!.data, wanted.descriptor), name).toBeLessThan(TOLERANCE);
      });
    }
    model.dispose();
  });

  it('NaN for a pair of which one patch has no valid sample, and the others as they are', async () => {
    const checkpoint = await randomCheckpoint({ width: 8 }, normalisationOf(64));
    const model = await openModel(checkpoint, 'best');
    const good = pairsOf(1)[0]!;
    const empty = { ...good.optical, data: new Float32Array(64 * 64).fill(Number.NaN) };
    const [wanted] = await model.score([good]);
    const { bytes } = named(await exportOnnx(checkpoint, 'best'), 'pair');
    await eachRuntime(bytes, async (run, name) => {
      const { score, probability } = await run(inputsOf([{ ...good, optical: empty }, good]));
      expect([score!.data[0], probability!.data[0]], name).toEqual([Number.NaN, Number.NaN]);
      expect(errorOf([score!.data[1]!], [wanted!.score]), name).toBeLessThan(TOLERANCE);
    });
    model.dispose();
  });

  it.skipIf(!golden)(`golden patches${golden ? '' : ' (skipped: no reference values here)'}`, async () => {
    const { tensors } = readSafetensors(new Uint8Array(readFileSync(golden!)), golden!);
    const valuesAt = (name: string) => ({
      shape: tensors.get(name)!.shape,
      data: Float32Array.from(tensors.get(name)!.data as Float32Array),
    });
    const config = parseMatcherConfig({ preset: 'paper', side: 64, sarBands: 1, opticalBands: 1 });
    const weights = new Map(parameterSpecs(config).map(({ name }) => [name, valuesAt(name)]));
    const asIs = { standardise: 'dataset', mean: 0, std: 1 } as const; // its patches are prepared already
    const checkpoint = checkpointOf(config, weights, normalisationOf(64, { sar: asIs, optical: asIs }));
    const model = await openModel(checkpoint, 'golden');
    const patchOf = (name: string, i: number): Raster => ({
      ...{ height: 64, width: 64, bands: 1, unit: 'digital number' },
      data: valuesAt(name).data.slice(i * 4096, (i + 1) * 4096),
    });
    const pairs = [0, 1, 2, 3].map((i) => ({ sar: patchOf('sar', i), optical: patchOf('optical', i) }));
    await expectSameScores(checkpoint, model, [pairs]);
    const { data } = valuesAt('expect.logits');
    const logits = [0, 1, 2, 3].map((i) => data[2 * i + 1]! - data[2 * i]!);
    await eachRuntime(named(await exportOnnx(checkpoint, 'golden'), 'pair').bytes, async (run, name) => {
      const { score } = await run(inputsOf(pairs));
      expect(errorOf(score!.data, logits), name).toBeLessThan(TOLERANCE);
    });
    model.dispose();
  });
});
