import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { openPlaced } from '../../../packages/core/src/geo/place.ts';
import { encodePatch } from '../../../packages/core/src/raster/encode_patch.ts';
import type { AffineTransform, Raster } from '../../../packages/core/src/raster/raster.ts';
import { baselineVotes } from '../../../packages/core/src/registration/evaluate/baselines/baseline_votes.ts';
import { grayOf } from '../../../packages/core/src/registration/evaluate/baselines/gray.ts';
import { BASELINES, type Baseline } from '../../../packages/core/src/registration/evaluate/baselines/methods.ts';
import type { Peer } from '../../../packages/core/src/registration/evaluate/baselines/peer_registration.ts';
import {
  displacedTransform,
  drawDisplacement,
  groundOf,
} from '../../../packages/core/src/registration/evaluate/displacement.ts';
import {
  evaluateRegistration,
  rowsOf,
} from '../../../packages/core/src/registration/evaluate/evaluate_registration.ts';
import { cornerError, type EvaluationRow } from '../../../packages/core/src/registration/evaluate/evaluation_row.ts';
import {
  evaluationFigures,
  evaluationTable,
} from '../../../packages/core/src/registration/evaluate/evaluation_table.ts';
import { placedStore } from '../../../packages/core/src/registration/evaluate/placed_store.ts';
import { LEVELS, SMALL } from '../../../packages/core/src/registration/evaluate/protocol.ts';
import { inverted } from '../../../packages/core/src/registration/pixel_affine.ts';
import type { Registration } from '../../../packages/core/src/registration/registration.ts';
import { SNAP } from '../../../packages/core/src/registration/scene_pair.ts';
import type { RegistrationOptions } from '../../../packages/core/src/registration/settings.ts';
import { MemoryStore, type Store } from '../../../packages/core/src/store.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { frame, madePoints, similarity } from './synthetic.ts';

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

describe('grayOf', () => {
  it('takes the mean of the bands, and where a pixel is missing the mean of the others', () => {
    const data = Float32Array.of(1, 3, 9, 9, Number.NaN, 4, 5, 7);
    const noData = Uint8Array.of(0, 1, 0, 0);
    const gray = grayOf({ ...{ data, noData, width: 2, height: 2, bands: 2 }, unit: 'digital number' });
    expect([...gray.data]).toEqual([2, 4, 4, 6]);
    expect(gray).toMatchObject({ width: 2, height: 2 });
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
  beforeAll(selectProcessorBackend);
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

const farFrom = (corners: readonly (readonly [number, number])[]) =>
  corners.map(([x, y]) => [x + 11, y] as [number, number]);

describe('evaluateRegistration', () => {
  it('measures against the known displacement, refuses other places, and goes on where it was', async () => {
    const store = await storeOf({ 's1.png': ground(1), 'o1.png': ground(1), 's2.png': ground(2), 'o2.png': ground(2) });
    const scenes = [1, 2].map((id) => ({ id: String(id), sar: `s${id}.png`, optical: `o${id}.png` }));
    let calls = 0;
    const told: unknown[] = [];
    const options = {
      ...{ scenes, ways: { both: {} }, baselines: [], repaired: false, seed: 1, output: 'rows.jsonl' },
      tasks: ['level 1', 'level 3', 'untold turn', 'different places'],
      register: (of: Store, files: { sar: string; optical: string; settings: RegistrationOptions }) => {
        calls++;
        told.push(files.settings.rotation);
        return perfect(of, files);
      },
    };
    const rows = await evaluateRegistration(store, options);
    expect(rows.length).toBe(2 * (2 + 1 + 1 + 1));
    expect(calls).toBe(10);
    expect(told.filter((rotation) => rotation === 5)).toHaveLength(2);
    expect(told.filter((rotation) => rotation === undefined)).toHaveLength(8);
    const figures = Object.fromEntries(evaluationFigures(rows).map(({ name, values }) => [name, values.both]));
    expect(figures).toMatchObject({
      'level 1, raw truth: within 5 / 10 px': '100 % / 100 % of 4',
      'level 3, raw truth: within 10 px': '100 % of 2',
      'level 1, difference of two displacements: median / 95 %, px': '0.00 / 0.00 of 2',
      'wrong (over 10 px) and trusted, all levels, raw truth': '0 of 6',
      'untold turn, raw truth: within 5 px, refused, wrong (over 10 px) and trusted': '2, 0, 0 of 2',
      'pairs of different places that are refused': '2 of 2',
    });
    const wrong = rows.map((row) => (row.task === 'untold turn' ? { ...row, corners: farFrom(row.raw!) } : row));
    expect(evaluationFigures(wrong).find(({ name }) => name.startsWith('untold'))!.values.both).toBe('0, 0, 2 of 2');
    expect(await evaluateRegistration(store, options)).toEqual(rows);
    expect(calls).toBe(10);
    expect(await rowsOf(store, 'rows.jsonl')).toEqual(rows);
    await store.append('rows.jsonl', '{"key":"level 1 | a');
    await expect(rowsOf(store, 'rows.jsonl')).rejects.toThrow(/line 11: .*no JSON.*Remove the line/s);
  });

  it('counts the lines of its rows as an editor does, blank ones too', async () => {
    const store = new MemoryStore();
    await store.write('rows.jsonl', '\n\n{"key":\n');
    await expect(rowsOf(store, 'rows.jsonl')).rejects.toThrow('line 3');
  });

  it('runs CFOG on every small area, and the other older methods on four of them', async () => {
    const store = await storeOf({ 's1.png': ground(1), 'o1.png': ground(1) });
    const rows = await evaluateRegistration(store, {
      ...{ scenes: [{ id: '1', sar: 's1.png', optical: 'o1.png' }], repaired: false, seed: 1, output: 'rows.jsonl' },
      ...{ ways: {}, register: perfect, baselines: ['CFOG', 'raw NCC'], tasks: ['small areas'], areas: 5 },
    });
    const drawsOf = (baseline: string) => rows.filter(({ method }) => method === baseline).map(({ draw }) => draw);
    expect(drawsOf('CFOG')).toEqual([0, 1, 2, 3, 4]);
    expect(drawsOf('raw NCC')).toEqual([0, 1, 2, 3]);
    for (const row of rows) expect(cornerError(row, row.raw)).toBeLessThan(1);
  });

  describe('beside other programs', () => {
    const ids = ['1', '2', '3', '4'];
    /** What the peer answers, of places of the optical image less its margin: a shift, or a turn where one may be. */
    const [SHIFTED, TURNED] = [[7, 1, 0, -3, 0, 1] as const, [4, 1.01, 0.02, 0, -0.02, 0.99] as const];
    const answer = ([a, b, c, d, e, f]: AffineTransform, margin: number): AffineTransform => [
      a - (b + c) * margin,
      b,
      c,
      d - (e + f) * margin,
      e,
      f,
    ];
    const asked: { search: number; isTurned: boolean; sizes: number[] }[] = [];
    const peer: Peer = async ({ sar, optical, margin }, { search, isTurned }) => {
      asked.push({
        search,
        isTurned,
        sizes: [sar.width, sar.height, optical.width - 2 * margin, optical.height - 2 * margin],
      });
      return answer(isTurned ? TURNED : SHIFTED, margin);
    };
    const points = madePoints({ map: similarity(3, -4), wrong: 0, noise: 0.1 });
    let rows: EvaluationRow[];

    beforeAll(async () => {
      await selectProcessorBackend();
      const images = ids.flatMap((id, i) => [`s${id}.png`, `o${id}.png`].map((path) => [path, ground(i)] as const));
      const store = await storeOf(Object.fromEntries(images));
      rows = await evaluateRegistration(store, {
        ...{ ways: { both: {} }, baselines: [], peers: { known: peer, lost: async () => undefined } },
        ...{ scenes: ids.map((id) => ({ id, sar: `s${id}.png`, optical: `o${id}.png` })), repaired: false, seed: 1 },
        ...{ tasks: ['level 1', 'level 3', 'different places', 'small areas'], areas: 6, output: 'rows.jsonl' },
        register: async (of, files) => ({ ...(await perfect(of, files)), points, grid: frame().grid }),
      });
    });

    const draws = (task: string, method: string) =>
      rows.filter((row) => row.task === task && row.method === method).map(({ scene, draw }) => `${scene} ${draw}`);
    const everyDraw = (count: number) =>
      ids.flatMap((id) => Array.from({ length: count }, (_, draw) => `${id} ${draw}`));

    it('runs the product on every draw', () => {
      expect(draws('level 1', 'both')).toEqual(everyDraw(2));
      expect(draws('level 3', 'both')).toEqual(everyDraw(1));
      expect(draws('small areas', 'both')).toEqual(everyDraw(6));
      expect(draws('different places', 'both')).toEqual(everyDraw(1));
    });

    it.each(['known', 'lost'])('thins what the peer %s sees', (method) => {
      expect(draws('level 1', method)).toEqual(everyDraw(1));
      expect(draws('level 3', method)).toEqual(['4 0']); // one scene in four, by the seed
      expect(draws('small areas', method)).toEqual(everyDraw(4));
      expect(draws('different places', method)).toEqual([]);
    });

    it('shows the peer both images, and says how far to search and whether to turn', () => {
      const [whole, small] = [SIDE, SMALL.side].map((side) => [side, side, side, side]);
      expect(asked.filter(({ isTurned }) => isTurned)).toEqual([{ search: 184, isTurned: true, sizes: whole }]);
      expect(asked.filter(({ search }) => search === 44)).toHaveLength(ids.length);
      expect(asked.filter(({ search }) => search === 32).map(({ sizes }) => sizes)).toEqual(Array(16).fill(small));
    });

    it('takes the corners where the matrix of the peer puts them', () => {
      const found = rows.filter(({ method }) => method === 'known');
      expect(found).toHaveLength(4 + 1 + 16);
      for (const { task, scene, draw, status, corners, raw } of found) {
        const level = [...LEVELS, SMALL.level].find(({ name }) => name === task)!;
        const side = level === SMALL.level ? SMALL.side : SIDE;
        const [size, displacement] = [{ width: side, height: side }, drawDisplacement(level, 1, scene, draw)];
        const displaced = displacedTransform([0, 1, 0, 0, 0, 1], size, displacement);
        const matrix = level.rotation > 0 ? TURNED : SHIFTED;
        expect(status).toBe('trusted');
        raw!.forEach(([x, y], i) => {
          // A scene that is not turned is read by its own pixels, moved by whole steps.
          const [u, v] =
            level.rotation > 0
              ? groundOf(displaced, x, y)
              : [displacement.column, displacement.row].map(
                  (by, axis) => [x, y][axis]! - SNAP * Math.round(-by / SNAP),
                );
          const [right, down] = groundOf(matrix, u!, v!);
          expect(corners![i]![0]).toBeCloseTo(right, 2);
          expect(corners![i]![1]).toBeCloseTo(down, 2);
        });
      }
    });

    it('says of a peer that finds nothing that it failed', () => {
      const lost = rows.filter(({ method }) => method === 'lost');
      expect(new Set(lost.map(({ status, corners }) => `${status} ${corners}`))).toEqual(new Set(['failed undefined']));
    });

    it('tells the best shift beside a registration only where a shift may explain the level', () => {
      const own = rows.filter(({ method }) => method === 'both');
      const tasks = own.filter(({ shift }) => shift).map(({ task }) => task);
      expect(tasks).toEqual(Array(8).fill('level 1'));
      for (const { task, scene, draw, raw, shift } of own.filter((row) => row.shift)) {
        expect(task).toBe('level 1');
        const { column, row } = drawDisplacement(LEVELS[0]!, 1, scene, draw);
        raw!.forEach(([x, y], i) => {
          expect(shift![i]![0]).toBeCloseTo(x + column + 3, 0);
          expect(shift![i]![1]).toBeCloseTo(y + row - 4, 0);
        });
      }
    });

    it('says of different places only what the registration does', () => {
      for (const row of rows.filter(({ task }) => task === 'different places')) {
        expect(row).not.toHaveProperty('corners');
        expect(row).not.toHaveProperty('raw');
        expect(row.heldOut).toEqual([0, 0, 0]);
      }
    });
  });
});

describe('evaluationTable', () => {
  it('counts a refused registration as missed, but whatever the verdict, and a trusted one that is wrong', () => {
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
      ['level 2, raw truth, whatever the verdict: within 10 px', '75 % of 4'],
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
