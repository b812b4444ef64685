import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { openPlaced } from '../../../packages/core/src/geo/place.ts';
import { encodePatch } from '../../../packages/core/src/raster/encode_patch.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { baselineVotes } from '../../../packages/core/src/registration/evaluate/baselines/baseline_votes.ts';
import { BASELINES, type Baseline } from '../../../packages/core/src/registration/evaluate/baselines/methods.ts';
import { displacedTransform, groundOf } from '../../../packages/core/src/registration/evaluate/displacement.ts';
import {
  evaluateRegistration,
  rowsOf,
} from '../../../packages/core/src/registration/evaluate/evaluate_registration.ts';
import type { EvaluationRow } from '../../../packages/core/src/registration/evaluate/evaluation_row.ts';
import {
  evaluationFigures,
  evaluationTable,
} from '../../../packages/core/src/registration/evaluate/evaluation_table.ts';
import { placedStore } from '../../../packages/core/src/registration/evaluate/placed_store.ts';
import { inverted } from '../../../packages/core/src/registration/pixel_affine.ts';
import type { Registration } from '../../../packages/core/src/registration/registration.ts';
import { MemoryStore, type Store } from '../../../packages/core/src/store.ts';

const SIDE = 320;
const TRANSFORM = [400_000, 10, 0, 5_000_000, 0, -10] as const;

/** Blocks of random brightness: structure at several scales, which both sensors show. */
function ground(seed: number): Float32Array {
  const rng = Rng.derive(seed, 'ground');
  const blocks = Float32Array.from({ length: 1600 }, () => rng.float() * 200);
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
    const bent = (v: number) => Math.floor((v + 3 * Math.sin((x + 2 * y) / 19)) / 9 + 1);
    return Math.round(blocks[(bent(y) * 40 + bent(x)) % 1600]! + rng.float() * 10);
  });
}

async function storeOf(images: Record<string, Float32Array>): Promise<Store> {
  const store = new MemoryStore();
  for (const [path, data] of Object.entries(images)) {
    const raster: Raster = { data, width: SIDE, height: SIDE, bands: 1, unit: 'digital number' };
    await store.write(path, encodePatch(raster).bytes);
  }
  const place = { crs: 'EPSG:32632', transform: TRANSFORM };
  return placedStore(store, new Map(Object.keys(images).map((path) => [path, place])));
}

describe('placedStore', () => {
  it('gives a file another place, and leaves the rest alone', async () => {
    const store = await storeOf({ 'a.png': ground(1), 'b.png': ground(2) });
    const moved = placedStore(store, new Map([['a.png', { crs: 'EPSG:3857', transform: [1, 2, 0.5, 3, 0.25, -4] }]]));
    const [a, b] = [await openPlaced(moved, 'a.png'), await openPlaced(moved, 'b.png')];
    expect(a).toMatchObject({ crs: 'EPSG:3857', transform: [1, 2, 0.5, 3, 0.25, -4] });
    expect(b).toMatchObject({ crs: 'EPSG:32632', transform: TRANSFORM });
    await Promise.all([a.close(), b.close()]);
  });
});

describe('displacedTransform', () => {
  it('shifts the middle, turns clockwise and stretches about it', () => {
    const displaced = displacedTransform(
      TRANSFORM,
      { width: 100, height: 60 },
      { column: 7, row: -3, rotation: 90, scale: 2 },
    );
    const pixelOf = (column: number, row: number) => {
      const [x, y] = groundOf(displaced, column, row);
      return groundOf(inverted(TRANSFORM), x, y);
    };
    expect(pixelOf(50, 30)[0]).toBeCloseTo(57);
    expect(pixelOf(50, 30)[1]).toBeCloseTo(27);
    expect(pixelOf(60, 30)[0]).toBeCloseTo(57); // ten to the right is twenty down after a quarter turn
    expect(pixelOf(60, 30)[1]).toBeCloseTo(47);
  });
});

describe('baselineVotes', () => {
  const data = ground(3);
  const margin = 40;
  const wide = SIDE + 2 * margin;
  const optical = new Float32Array(wide * wide).fill(100);
  // The optical image shows the same ground 5 px to the right and 11 px up.
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) optical[(y + margin - 11) * wide + x + margin + 5] = data[y * SIDE + x]!;
  const scene = {
    sar: { data, width: SIDE, height: SIDE },
    optical: { data: optical, width: wide, height: wide },
    margin,
  };
  beforeAll(async () => void (await selectBackend({ requested: 'wasm' })));
  it.each(Object.keys(BASELINES) as Baseline[])('%s finds a shift between images of one sensor', async (method) => {
    for (const search of [16, 40]) {
      const votes = await baselineVotes(method, scene, { side: 64, search, cells: 2 });
      const near = votes.filter(({ offset }) => Math.hypot(offset.column - 5, offset.row + 11) < 1);
      expect(near.length).toBeGreaterThanOrEqual(3);
    }
  });
});

/** A registration whose correction is the inverse of the displacement, or none. */
async function perfect(store: Store, files: { sar: string; optical: string }): Promise<Registration> {
  const optical = await openPlaced(store, files.optical);
  await optical.close();
  const [a0, a1, a2, b0, b1, b2] = inverted(optical.transform!);
  const [x0, xc, , y0, , yr] = TRANSFORM;
  const isSame = files.sar.slice(-5) === files.optical.slice(-5);
  return {
    ...({ sar: {}, optical: {}, grid: {} } as unknown as Registration),
    ...{ status: isSame ? 'trusted' : 'refused', points: [], ladder: [] },
    correction: {
      crs: 'EPSG:32632',
      map: {
        kind: 'affine',
        origin: [0, 0],
        scale: 1,
        x: [x0 + xc * a0, xc * a1, xc * a2],
        y: [y0 + yr * b0, yr * b1, yr * b2],
      },
    },
  };
}

describe('evaluateRegistration', () => {
  it('measures against the known displacement, refuses other places, and goes on where it was', async () => {
    const store = await storeOf({ 's1.png': ground(1), 'o1.png': ground(1), 's2.png': ground(2), 'o2.png': ground(2) });
    const scenes = [1, 2].map((id) => ({ id: String(id), sar: `s${id}.png`, optical: `o${id}.png` }));
    let calls = 0;
    const options = {
      ...{ scenes, ways: { both: {} }, baselines: [], repaired: false, seed: 1, output: 'rows.jsonl' },
      tasks: ['level 1', 'level 3', 'different places'],
      register: (of: Store, files: { sar: string; optical: string }) => {
        calls++;
        return perfect(of, files);
      },
    };
    const rows = await evaluateRegistration(store, options);
    expect(rows.length).toBe(2 * (2 + 1 + 1));
    expect(calls).toBe(8);
    const figures = Object.fromEntries(evaluationFigures(rows).map(({ name, values }) => [name, values.both]));
    expect(figures).toMatchObject({
      'level 1, raw truth: within 5 / 10 px': '100 % / 100 % of 4',
      'level 3, raw truth: within 10 px': '100 % of 2',
      'level 1, difference of two displacements: median / 95 %, px': '0.00 / 0.00 of 2',
      'wrong (over 10 px) and trusted, all levels, raw truth': '0 of 6',
      'pairs of different places that are refused': '2 of 2',
    });
    expect(await evaluateRegistration(store, options)).toEqual(rows);
    expect(calls).toBe(8);
    expect(await rowsOf(store, 'rows.jsonl')).toEqual(rows);
    await store.append('rows.jsonl', '{"key":"level 1 | a');
    await expect(rowsOf(store, 'rows.jsonl')).rejects.toThrow(/line .*no JSON.*Remove the line/s);
  });
});

describe('evaluationTable', () => {
  it('counts a refused registration as missed, and a trusted one that is wrong', () => {
    const corners = (dx: number) =>
      [
        [0, 0],
        [9, 0],
        [9, 9],
        [0, 9],
      ].map(([x, y]) => [x! + dx, y!] as [number, number]);
    const row = (key: string, status: EvaluationRow['status'], dx: number): EvaluationRow => ({
      ...{ key, task: 'level 2', scene: key, method: 'both', draw: 0, status, seconds: 1 },
      ...{ corners: corners(dx), raw: corners(0) },
    });
    const figures = evaluationFigures([
      row('a', 'trusted', 1),
      row('b', 'refused', 1),
      row('c', 'trusted', 12),
      row('d', 'trusted', 9),
    ]);
    expect(figures.map(({ name, values }) => [name, values.both])).toEqual([
      ['level 2, raw truth: within 10 px', '50 % of 4'],
      ['wrong (over 10 px) and trusted, all levels, raw truth', '1 of 4'],
    ]);
    expect(evaluationTable(figures).split('\n')[0]).toBe('| figure | both |');
  });

  it('compares what scenes side by side say of shared corners, and the best shift of each', () => {
    const row = (scene: string, x: number, dx: readonly number[], shift: number): EvaluationRow => {
      const square = [0, 1, 1, 0].map((u, i): [number, number] => [100 * u, i > 1 ? 100 : 0]);
      return {
        ...{ key: scene, task: 'level 1', scene, method: 'both', draw: 0, status: 'trusted', seconds: 1 },
        raw: square,
        corners: square.map(([u, v], i) => [u + dx[i]!, v]),
        shift: square.map(([u, v]) => [u + shift, v]),
        ground: square.map(([u, v]) => [10 * u + x, -10 * v]),
      };
    };
    const figures = evaluationFigures([row('a', 0, [0, 4, 4, 0], 2), row('b', 1000, [4, 0, 0, 5], 5)]);
    const { values } = figures.find(({ name }) => name.startsWith('level 1, shared corners'))!;
    expect(values).toEqual({ both: '0.5 / 0.9 of 2', 'both, shift': '3.0 / 3.0 of 2' });
  });
});
