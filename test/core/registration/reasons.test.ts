/** Each reason with which a cell may end, on scenes made for it: as many cells end with it as were made to. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Model } from '../../../packages/core/src/model.ts';
import { FeatureSource } from '../../../packages/core/src/registration/feature_source.ts';
import { type FeatureKind, GRADIENTS } from '../../../packages/core/src/registration/features.ts';
import { judge } from '../../../packages/core/src/registration/judge.ts';
import type { ReadWindow } from '../../../packages/core/src/registration/levels.ts';
import type { Reason } from '../../../packages/core/src/registration/registration.ts';
import { registrationSettings } from '../../../packages/core/src/registration/settings.ts';
import { searchCells } from '../../../packages/core/src/registration/tie_points.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { frame, madePoints, similarity } from './synthetic.ts';

beforeAll(selectProcessorBackend);

const [SIDE, TEMPLATE, SEARCH] = [256, 48, 24];

/** Value of a pixel from 0 to 255; NaN is missing. */
type Picture = (column: number, row: number) => number;

/** Shades of discs that a seed draws, over a plane larger than the scene. */
function discs(seed: number): Picture {
  const rng = Rng.derive(seed, 'discs');
  const [margin, count] = [64, 900];
  const side = SIDE + 2 * margin;
  const image = new Float32Array(side * side).fill(128);
  for (let i = 0; i < count; i++) {
    const [cx, cy, radius, shade] = [rng.float() * side, rng.float() * side, 3 + rng.float() * 9, 255 * rng.float()];
    for (let y = Math.max(0, Math.ceil(cy - radius)); y < Math.min(side, cy + radius); y++) {
      for (let x = Math.max(0, Math.ceil(cx - radius)); x < Math.min(side, cx + radius); x++) {
        if (Math.hypot(x - cx, y - cy) < radius) image[y * side + x] = shade;
      }
    }
  }
  return (column, row) => image[(row + margin) * side + column + margin] ?? 128;
}

const readerOf =
  (picture: Picture): ReadWindow =>
  async ({ column, row, width, height }) => {
    const data = Float32Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [column + (i % width), row + Math.floor(i / width)];
      return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? Number.NaN : picture(x, y);
    });
    const noData = Uint8Array.from(data, (value) => Number(Number.isNaN(value)));
    return { data, width, height, bands: 1, unit: 'digital number', ...(noData.includes(1) && { noData }) };
  };

interface Made {
  sar: Picture;
  optical: Picture;
  columns?: number;
  rows?: number;
  side?: number;
  search?: number;
  model?: Model;
  kind?: FeatureKind;
}

/** Directions of gradients: unlike oriented gradients, whose vectors are all alike a little, they average out to nothing. */
const SIGNED: FeatureKind = {
  ...{ name: 'gradients', stride: 1, channels: 2, margin: 8 },
  async of(_, { data, width, height, noData }) {
    const vectors = new Float32Array(width * height * 2);
    for (let i = width; i < data.length - width; i++) {
      if (noData?.[i - 1] || noData?.[i + 1] || noData?.[i - width] || noData?.[i + width]) continue;
      const [gx, gy] = [data[i + 1]! - data[i - 1]! + 1e-3, data[i + width]! - data[i - width]!];
      vectors.set([gx / Math.hypot(gx, gy), gy / Math.hypot(gx, gy)], 2 * i);
    }
    return { data: vectors, width, height, channels: 2 };
  },
};

/** Number of cells by reason. */
async function countsOf(made: Made): Promise<Partial<Record<Reason, number>>> {
  const { sar, optical, columns = 1, rows = 1, side = TEMPLATE, search = SEARCH, model, kind = GRADIENTS } = made;
  const cells = await searchCells({
    grid: { columns, rows, width: SIDE, height: SIDE },
    ...{ side, search, expected: [0, 0], model, settings: registrationSettings.parse({}) },
    first: {
      sar: new FeatureSource(kind, 'sar', readerOf(sar)),
      optical: new FeatureSource(kind, 'optical', readerOf(optical)),
      offset: [0, 0],
    },
  });
  const counts: Partial<Record<Reason, number>> = {};
  for (const { reason } of cells) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

const ground = discs(1);
const negative: Picture = (column, row) => 255 - ground(column, row);
/** A slope, which looks the same everywhere. */
const slope: Picture = (column, row) => (column + row) / 3;
/** A picture around some points only, and a slope elsewhere. */
const near =
  (picture: Picture, radius: number, ...points: [number, number][]): Picture =>
  (column, row) =>
    points.some(([x, y]) => Math.hypot(column - x, row - y) < radius) ? picture(column, row) : slope(column, row);
const inMiddle = (picture: Picture, radius = 60) => near(picture, radius, [128, 128]);
/** A picture in the middles of 2 × 2 cells. */
const inCells = (picture: Picture) => near(picture, 40, [64, 64], [192, 64], [64, 192], [192, 192]);

describe('a cell ends as', () => {
  it('used where the ground is found, whatever its brightness', async () => {
    expect(await countsOf({ sar: ground, optical: negative, columns: 2, rows: 2 })).toEqual({ used: 4 });
  });

  it('no data where either scene misses a part of the template', async () => {
    const left: Picture = (column, row) => (column < SIDE / 2 ? Number.NaN : ground(column, row));
    expect(await countsOf({ sar: left, optical: negative, columns: 2, rows: 2 })).toEqual({ 'no data': 2, used: 2 });
    const striped: Picture = (column, row) => (row % 128 < 16 ? Number.NaN : negative(column, row));
    expect(await countsOf({ sar: inMiddle(ground), optical: striped })).toEqual({ 'no data': 1 });
  });

  it('outside where the optical scene ends', async () => {
    const right: Picture = (column, row) => (column < SIDE / 2 ? Number.NaN : negative(column, row));
    const counts = await countsOf({ sar: inCells(ground), optical: right, columns: 2, rows: 2 });
    expect(counts).toEqual({ outside: 2, used: 2 });
  });

  it('flat on a slope that looks the same everywhere', async () => {
    expect(await countsOf({ sar: slope, optical: ground, columns: 2, rows: 2 })).toEqual({ flat: 4 });
  });

  it('repetitive on a pattern that comes again within the search', async () => {
    const board: Picture = (column, row) => ((Math.floor(column / 10) + Math.floor(row / 10)) % 2 === 0 ? 40 : 200);
    expect(await countsOf({ sar: inMiddle(board), optical: inMiddle(board) })).toEqual({ repetitive: 1 });
  });

  it('weak where the optical scene shows nothing of it', async () => {
    const rng = Rng.derive(2, 'noise');
    const noise = Float32Array.from({ length: SIDE * SIDE }, () => 255 * rng.float());
    const snow: Picture = (column, row) => noise[row * SIDE + column]!;
    const made = { sar: ground, columns: 2, rows: 2, kind: SIGNED };
    expect(await countsOf({ ...made, optical: snow })).toEqual({ weak: 4 });
    expect(await countsOf({ ...made, optical: ground })).toEqual({ used: 4 });
  });

  it('ambiguous where it shows at two places', async () => {
    const once = inMiddle(negative, 17);
    const twice: Picture = (column, row) => once(column < SIDE / 2 ? column + 18 : column - 18, row);
    expect(await countsOf({ sar: inMiddle(ground, 17), optical: twice })).toEqual({ ambiguous: 1 });
  });

  it('at the border of the search where it has moved as far', async () => {
    const moved: Picture = (column, row) => negative(column - SEARCH, row);
    expect(await countsOf({ sar: inMiddle(ground), optical: moved })).toEqual({ 'at the border of the search': 1 });
  });

  it('not confirmed backwards where another template fits its match better', async () => {
    // In the left cell the ground under a veil of another one; 56 pixels beside it, in the right cell, the same in the clear.
    const other = discs(7);
    const veil: Picture = (column, row) => 0.5 * ground(column, row) + 0.5 * other(column, row);
    const clear: Picture = (column, row) => ground(column - 56, row);
    const sar: Picture = (column, row) =>
      near(column < SIDE / 2 ? veil : clear, 16, [100, 128], [156, 128])(column, row);
    const counts = await countsOf({ sar, optical: near(negative, 16, [100, 128]), columns: 2, side: 32, search: 64 });
    expect(counts).toEqual({ 'not confirmed backwards': 1, used: 1 });
  });

  it('rejected by the verifier where the pair head does not believe it', async () => {
    const head = (logit: number) =>
      ({
        scorer: { halves: { join: () => tf.tensor1d([logit]) } },
        info: { calibration: { temperature: 1 } },
      }) as unknown as Model; // what a verifier asks of a model, no more
    const made = { sar: ground, optical: negative, columns: 2, rows: 2 };
    expect(await countsOf({ ...made, model: head(-5) })).toEqual({ 'rejected by the verifier': 4 });
    expect(await countsOf({ ...made, model: head(5) })).toEqual({ used: 4 });
  });

  it('off the model where the others agree on another place', () => {
    const points = madePoints({ map: similarity(5, -3), wrong: 0, noise: 0.3 });
    const moved = new Set([3, 17, 28, 44, 61, 79, 92]);
    const away = points.map((point) =>
      moved.has(point.id)
        ? { ...point, opticalGround: [point.opticalGround![0] + 140, point.opticalGround![1] - 90] as const }
        : point,
    );
    const judged = judge(away, frame());
    const off = judged.points.filter(({ reason }) => reason === 'off the model').map(({ id }) => id);
    expect(off).toEqual([...moved]);
    expect(judged.points.filter(({ reason }) => reason === 'used')).toHaveLength(points.length - moved.size);
  });
});
