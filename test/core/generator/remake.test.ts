/** Patches made of real ones: by the ratio of two grounds, by drawn speckle, and the moves of codes that they start from. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { blended } from '../../../packages/core/src/generator/blend.ts';
import { blob, movedTowards } from '../../../packages/core/src/generator/moves.ts';
import { EDIT_LIMIT, type GrainGenerator, Remaker, remakerOf } from '../../../packages/core/src/generator/remake.ts';
import { roundedAs } from '../../../packages/core/src/raster/radar_samples.ts';
import type { Raster, Unit } from '../../../packages/core/src/raster/raster.ts';
import { amplitudeOf, recordsOf, spatialGenerator } from './spatial/fixture.ts';

const SIDE = 64;
let generator: GrainGenerator;
let remaker: Remaker;
beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  generator = spatialGenerator(SIDE);
  const readSar = async (index: number) => amplitudeOf(index, SIDE);
  remaker = new Remaker(generator, { records: recordsOf(4), readSar }, 1);
});
afterAll(() => generator.dispose());

async function groundOf(codes: Float32Array) {
  const z = tf.tensor2d(codes, [1, codes.length]);
  const [ground] = await generator.grain.ground(z);
  z.dispose();
  return ground!;
}

describe('an edit by ratio', () => {
  it('keeps samples bit for bit where the ground is kept, and changes the others by at most 8 dB', async () => {
    const { latents, sources } = await remaker.sources([0]);
    const own = latents.mu.dataSync<'float32'>().slice();
    tf.dispose([latents.mu, latents.logvar]);
    const other = own.map((value, i) => (i < 2 ? value + 3 : value)); // the upper left cell
    const source = sources[0]!;
    const edited = remaker.edited(source, await groundOf(other));
    const before = source.raster.data;
    const changed = [...edited.data].flatMap((value, i) => (value === before[i] ? [] : [i]));
    expect(changed.length).toBeGreaterThan(16);
    expect(Math.max(...changed.map((i) => Math.max(i >> 6, i % SIDE)))).toBeLessThan(SIDE - 8);
    for (const i of changed) {
      expect(Number.isInteger(edited.data[i])).toBe(true);
      const decibels = 20 * Math.log10((edited.data[i]! + 0.5) / before[i]!);
      expect(decibels).toBeGreaterThan(-EDIT_LIMIT - 1e-6);
      expect(20 * Math.log10((edited.data[i]! - 0.5) / before[i]!)).toBeLessThan(EDIT_LIMIT + 1e-6);
    }
    expect(remaker.edited(source, source.ground)).toEqual(source.raster);
  });
});

it('whole patches have new speckle by draw, in the unit and the whole numbers of the source', async () => {
  const before = tf.memory().numTensors;
  const { latents, sources } = await remaker.sources([1, 2]);
  tf.dispose([latents.mu, latents.logvar]);
  const [a, b, again] = [0, 1, 0].map((draw) => remaker.whole(sources[1]!, sources[1]!.ground, draw));
  expect(a!.unit).toBe('amplitude');
  expect(a!.data.every((value) => Number.isInteger(value) && value > 0)).toBe(true);
  expect(a!.data).toEqual(again!.data);
  expect(a!.data).not.toEqual(b!.data);
  expect(tf.memory().numTensors).toBe(before);
});

describe('samples that are changed', () => {
  const raster = (values: number[], unit: Unit = 'amplitude', noData?: number[]): Raster => ({
    ...{ data: Float32Array.from(values), width: values.length, height: 1, bands: 1, unit },
    ...(noData && { noData: Uint8Array.from(noData) }),
  });

  it('stay at 1 or more in whole amplitudes, since 0 means missing; decibels may be 0', () => {
    const changed = Float32Array.from([0.2, 0, 7.4]);
    expect([...roundedAs(raster([1, 0, 9]), changed, 'amplitude')]).toEqual([1, 0, 7]);
    expect([...roundedAs(raster([1, 0, 9], 'dB'), changed, 'dB')]).toEqual([0, 0, 7]);
    expect(roundedAs(raster([1.5, 0, 9]), changed, 'amplitude')).toBe(changed);
    expect([...roundedAs(raster([1, Number.NaN, 9]), changed, 'amplitude'), 'NaN is no fraction']).toContain(7);
  });

  it('are the own ones where either patch has none, and blend in the unit that is stated', () => {
    const [base, other] = [
      raster([4, 0, 4, 4], 'digital number'),
      raster([16, 16, 0, 16], 'digital number', [0, 0, 0, 1]),
    ];
    const half = new Float32Array(4).fill(0.5);
    expect([...blended(base, other, half, 'amplitude').data]).toEqual([8, 0, 4, 4]);
    expect([...blended(base, other, half, 'dB').data]).toEqual([10, 8, 2, 4]);
  });
});

describe('moves', () => {
  it('swap a blob of about the asked share of cells, and leave the others as they are', () => {
    for (const share of [0.1, 0.35]) {
      const weights = blob(8, share, { seed: 4, offset: 0 });
      expect(weights.filter((weight) => weight >= 0.5).length / 64).toBeCloseTo(share, 1);
      expect(weights.some((weight) => weight === 0)).toBe(true);
    }
    const own = Float32Array.from({ length: 128 }, (_, i) => i / 7);
    const donor = own.map((value) => -value - 1);
    const at = { seed: 1, record: 5, draw: 0 };
    const moved = movedTowards({ own, donor }, { rule: 'swap', strength: 0.25 }, 8, at);
    const kept = [...moved].filter((value, i) => value === own[i]).length;
    expect(kept).toBeGreaterThan(128 * 0.5);
    expect(kept).toBeLessThan(128 * 0.8);
    expect([...moved].some((value, i) => value === donor[i])).toBe(true);
  });

  it('mix keeps the variance of codes', () => {
    const own = Float32Array.from([1, 0, 1, 0]);
    const donor = Float32Array.from([0, 1, 0, -1]);
    const moved = movedTowards({ own, donor }, { rule: 'mix', strength: 0.6 }, 2, { seed: 1, record: 0, draw: 0 });
    expect([...moved]).toEqual([0.8, 0.6, 0.8, -0.6].map((value) => expect.closeTo(value, 5)));
  });
});

it('a data set without pixels is refused', () => {
  const list = { folder: '', fingerprint: '', records: recordsOf(2), indicesOf: () => [0, 1] };
  expect(() => remakerOf(generator, list, 1)).toThrow(/list of pairs/);
});
