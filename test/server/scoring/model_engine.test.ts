/** The engine under a real model: each pair fails by itself, whatever its bytes and numbers are. */

import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { encode } from 'fast-png';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import { type ModelEngine, openEngine } from '../../../packages/server/src/scoring/model_engine.ts';
import { pairMapsOf } from '../../../packages/server/src/scoring/pair_maps.ts';
import type {
  ImageInput,
  PairInput,
  PairMap,
  TileInput,
  WorkOutcome,
} from '../../../packages/server/src/scoring/scoring_service.ts';
import { denseCheckpoint, noisePatch, SIDE, tinyCheckpoint } from '../tiny_model.mjs';

const { maxPixels } = limitsFrom();
let engine: ModelEngine;

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  engine = await openEngine({
    model: tinyCheckpoint(),
    file: '/some/where/tiny.safetensors',
    backend: 'wasm',
    maxPixels,
  });
});
afterAll(() => engine.dispose());

const file = (bytes: Uint8Array, name = 'a.png'): ImageInput => ({ kind: 'file', name, bytes });
const samples = (data: ArrayLike<number>, side = SIDE): ImageInput => ({
  ...{ kind: 'samples', name: 'sar', data: Float32Array.from(data), height: side, width: side, bands: 1 },
});
const pair = (seed: number): PairInput => ({
  sar: file(noisePatch(seed).png, 'sar.png'),
  optical: file(noisePatch(seed + 100).png),
});

const scoreOf = (outcome: WorkOutcome | undefined) => (outcome && 'score' in outcome ? outcome.score : Number.NaN);
const errorOf = (outcome: WorkOutcome | undefined) => (outcome && 'error' in outcome ? outcome.error : undefined);

it('says what it serves, without the folder', () => {
  expect(engine.served).toMatchObject({ name: 'tiny.safetensors', backend: 'wasm', info: { preset: 'two-channel' } });
});

it('scores files as it scores their samples, and leaks no tensor', async () => {
  const before = tf.memory().numTensors;
  const [png, tiff, plain] = await engine.run([
    pair(1),
    { sar: file(noisePatch(1).tiff, 'sar.tif'), optical: file(noisePatch(101).tiff, 'optical.tif') },
    { sar: samples(noisePatch(1).samples), optical: samples(noisePatch(101).samples) },
  ]);
  expect(scoreOf(png)).toBeCloseTo(scoreOf(plain), 6);
  expect(scoreOf(tiff)).toBeCloseTo(scoreOf(plain), 6);
  expect(tf.memory().numTensors).toBe(before);
});

it('lets each pair fail by itself', async () => {
  const wide = encode({ width: 80, height: 80, data: new Uint8Array(6400).fill(3), channels: 1 });
  const { sar } = pair(1);
  const nothing = samples(new Float32Array(SIDE * SIDE).fill(Number.NaN));
  const outcomes = await engine.run([
    pair(1),
    { sar, optical: file(wide, 'wide.png') },
    { sar, optical: file(new Uint8Array(), 'empty.png') },
    { sar, optical: file(noisePatch(2).png.subarray(0, 500), 'cut.png') },
    { sar: nothing, optical: pair(1).optical },
    pair(2),
  ]);
  const [first, sized, empty, cut, missing, last] = outcomes;
  const files = outcomes.map((outcome) => errorOf(outcome)?.file);
  expect(files).toEqual([undefined, 'optical', 'optical', 'optical', 'sar', undefined]);
  expect(errorOf(sized)).toMatchObject({ problem: 'unusable-image', expected: '64 × 64 pixels', found: '80 × 80' });
  expect(errorOf(empty)?.detail).toMatch(/empty\.png/);
  expect(errorOf(cut)?.detail).toMatch(/cut\.png/);
  expect(errorOf(missing)?.detail).toMatch(/NaN|no-data/);
  expect([scoreOf(first), scoreOf(last)].every(Number.isFinite)).toBe(true);
});

it('refuses an image of too many pixels by its header', async () => {
  const strict = await openEngine({ model: tinyCheckpoint(), file: 'tiny', backend: 'wasm', maxPixels: 5000 });
  const wide = encode({ width: 80, height: 80, data: new Uint8Array(6400), channels: 1 });
  const [good, bad] = await strict.run([pair(1), { sar: file(wide, 'wide.png'), optical: pair(1).optical }]);
  expect(scoreOf(good)).not.toBeNaN();
  expect(errorOf(bad)).toMatchObject({ problem: 'payload-too-large', found: '80 × 80' });
  strict.dispose();
});

it('keeps a score that is not finite from its neighbours in the batch', async () => {
  const model = tinyCheckpoint(1e40); // sums of such weights overflow
  const overflowing = await openEngine({ model, file: 'steep', backend: 'wasm', maxPixels });
  const flat = samples(new Float32Array(SIDE * SIDE));
  const zeros = { sar: flat, optical: flat };
  const outcomes = await overflowing.run([zeros, pair(1), zeros]);
  expect(outcomes.map((outcome) => Number.isFinite(scoreOf(outcome)))).toEqual([true, false, true]);
  expect(errorOf(outcomes[1])?.detail).toMatch(/finite/);
  overflowing.dispose();
});

it('describes patches and tiles, each as if it were alone, among pairs', async () => {
  const dense = await openEngine({ model: denseCheckpoint(), file: 'dense', backend: 'wasm', maxPixels });
  expect(dense.served.descriptorLength).toBe(128);
  const tileOf = (seed: number, height: number, width: number, modality: TileInput['modality']): TileInput => {
    const data = Float32Array.from(noisePatch(seed, Math.max(height, width)).samples.slice(0, height * width));
    return { modality, tile: { kind: 'samples', name: 'tile', data, height, width, bands: 1 } };
  };
  const tiles = [tileOf(1, 64, 64, 'sar'), tileOf(2, 64, 128, 'optical'), tileOf(3, 64, 64, 'sar')];
  const odd = tileOf(4, 60, 64, 'sar');
  const blank = tileOf(5, 64, 64, 'sar');
  if (blank.tile.kind === 'samples') blank.tile.data.fill(Number.NaN);
  const before = tf.memory().numTensors;
  const outcomes = await dense.run([tiles[0]!, pair(1), tiles[1]!, odd, blank, tiles[2]!]);
  expect(tf.memory().numTensors).toBe(before);
  const descriptorOf = (outcome: WorkOutcome | undefined) =>
    outcome && 'descriptor' in outcome ? [...outcome.descriptor] : undefined;
  expect(scoreOf(outcomes[1])).not.toBeNaN();
  for (const [i, tile] of [
    [0, tiles[0]!],
    [2, tiles[1]!],
    [5, tiles[2]!],
  ] as const) {
    const [alone] = await dense.run([tile]);
    const [found, expected] = [descriptorOf(outcomes[i])!, descriptorOf(alone)!];
    expect(found).toHaveLength(128);
    for (const [k, value] of found.entries()) expect(value).toBeCloseTo(expected[k]!, 5);
  }
  expect(errorOf(outcomes[3])).toMatchObject({ problem: 'unusable-image', found: '64 × 60' });
  expect(errorOf(outcomes[4])?.detail).toMatch(/missing/);
  dense.dispose();
});

it('names the patch that failed where both have one name', async () => {
  const wide = encode({ width: 80, height: 80, data: new Uint8Array(6400).fill(3), channels: 1 });
  const [small, large] = [file(noisePatch(1).png, '201.png'), file(wide, '201.png')];
  const outcomes = await engine.run([
    { sar: small, optical: large },
    { sar: large, optical: small },
  ]);
  expect(outcomes.map((outcome) => errorOf(outcome)?.file)).toEqual(['optical', 'sar']);
});

it('maps the correlation of a pair, alone or over a window, where the matcher has such maps', async () => {
  const options = { model: denseCheckpoint(), file: 'dense', backend: 'wasm', maxPixels, mapsOf: pairMapsOf };
  const dense = await openEngine(options);
  const window = (side: number) => samples(noisePatch(7, side).samples, side);
  const twoBands = { ...samples(Array(2 * 96 * 96).fill(1), 96), bands: 2 } as ImageInput;
  const before = tf.memory().numTensors;
  const outcomes = await dense.run([
    pair(1),
    { ...pair(1), map: {} },
    { ...pair(1), map: { window: window(96) } },
    { ...pair(1), map: { window: window(60) } },
    { ...pair(3), map: {} },
    { ...pair(1), map: { window: window(264) } },
    { ...pair(1), map: { window: twoBands } },
  ]);
  expect(tf.memory().numTensors).toBe(before);
  const maps = outcomes.map((outcome) => ('map' in outcome ? outcome.map : undefined));
  expect(maps.map((map) => map && [map.width, map.height, map.values.length, map.stride, map.radius])).toEqual([
    undefined,
    [5, 5, 25, 2, 4],
    [17, 17, 289, 2, 4],
    undefined,
    [5, 5, 25, 2, 4],
    undefined,
    undefined,
  ]);
  expect(scoreOf(outcomes[1])).toBeCloseTo(scoreOf(outcomes[0]), 5);
  for (const [outcome, side] of [
    [outcomes[3], 60],
    [outcomes[5], 264],
  ] as const) {
    const [expected, found] = [/a multiple of 8, of at most 256 pixels/, `${side} × ${side} pixels around 64 × 64`];
    expect(errorOf(outcome)).toMatchObject({ file: 'window', found, expected: expect.stringMatching(expected) });
  }
  expect(errorOf(outcomes[6])).toMatchObject({ file: 'window', problem: 'unusable-image' });
  for (const [i, seed] of [
    [1, 1],
    [4, 3],
  ] as const) {
    const [alone] = await dense.run([{ ...pair(seed), map: {} }]);
    const [found, expected] = [maps[i]!.values, (alone as { map: PairMap }).map.values];
    for (const [k, value] of found.entries()) expect(value).toBeCloseTo(expected[k]!, 5);
    expect(Math.max(...found.map(Math.abs))).toBeGreaterThan(0);
  }
  dense.dispose();

  const other = await openEngine({ ...options, model: tinyCheckpoint() });
  const [plain] = await other.run([{ ...pair(1), map: {} }]);
  expect(plain).not.toHaveProperty('map');
  expect(scoreOf(plain)).not.toBeNaN();
  other.dispose();
});

it('has no descriptors where both patches enter one stream', () => {
  expect(engine.served.descriptorLength).toBeUndefined();
});

it('survives any bytes for a file', async () => {
  const { png } = noisePatch(3);
  const heads = [[], [0x49, 0x49, 0x2a, 0], [0x4d, 0x4d, 0, 0x2a], [0xff, 0xd8, 0xff, 0xe0], [...png.subarray(0, 33)]];
  const bytes = fc
    .tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 300 }))
    .map(([head, rest]) => Uint8Array.from([...head, ...rest]));
  await fc.assert(
    fc.asyncProperty(bytes, async (some) => {
      const [outcome] = await engine.run([{ sar: file(some), optical: pair(1).optical }]);
      expect(errorOf(outcome)?.detail.length).toBeGreaterThan(10);
    }),
    { numRuns: 200 },
  );
});
