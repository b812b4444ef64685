import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { NonFiniteError } from '../../../packages/core/src/errors.ts';
import { nearestTiles } from '../../../packages/core/src/gallery/nearest_tiles.ts';
import { TileMaps } from '../../../packages/core/src/gallery/tile_maps.ts';
import { cropFeatures, type FeatureMap } from '../../../packages/core/src/localisation/feature_map.ts';

beforeAll(async () => void (await selectBackend({ requested: 'wasm' })));

const CHANNELS = 3;

function randomMap(seed: number, width: number, height: number): FeatureMap {
  const rng = Rng.derive(seed, 'map');
  const data = Float32Array.from({ length: width * height * CHANNELS }, () => rng.float() - 0.5);
  return { data, width, height, channels: CHANNELS };
}

/** Cosine of a patch and the tile of a map at a place, cell by cell. */
function cosineAt(map: FeatureMap, patch: FeatureMap, column: number, row: number): number {
  const tile = cropFeatures(map, column, row, patch.width, patch.height).data;
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  return dot(tile, patch.data) / Math.sqrt(dot(tile, tile) * dot(patch.data, patch.data));
}

const size = fc.integer({ min: 1, max: 9 });

describe('nearestTiles', () => {
  it('finds the tiles of a plain loop, over scenes of any size and bands of any height', async () => {
    const scenes = fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        scenes,
        fc.nat(),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 40 }),
        async (sizes, seed, n, band) => {
          const maps = sizes.map(([width, height], i) => randomMap(seed + i, width, height));
          const patch = randomMap(seed + 99, n, n);
          const all = maps.flatMap((map, scene) =>
            Array.from({ length: Math.max(0, map.height - n + 1) }, (_, row) => row).flatMap((row) =>
              Array.from({ length: Math.max(0, map.width - n + 1) }, (_, column) => ({
                ...{ scene, column: 8 * column, row: 8 * row },
                score: cosineAt(map, patch, column, row),
              })),
            ),
          );
          const tiles = new TileMaps(maps, 8 * n, band);
          expect(tiles.count).toBe(all.length);
          const [found] = await nearestTiles(tiles, [patch], { k: 5 });
          const wanted = [...all].sort((a, b) => b.score - a.score).slice(0, 5);
          expect(found!.length).toBe(wanted.length);
          found!.forEach(({ index, score }, i) => {
            expect(score).toBeCloseTo(wanted[i]!.score, 5);
            const { scene, window } = tiles.placeOf(index);
            expect({ scene, column: window.column, row: window.row }).toMatchObject({
              ...{ scene: all[index]!.scene, column: all[index]!.column, row: all[index]!.row },
            });
            expect(all[index]!.score).toBeCloseTo(score, 5);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives many patches what each gets alone', async () => {
    const tiles = new TileMaps([randomMap(1, 12, 10), randomMap(2, 7, 9)], 24);
    const patches = [randomMap(3, 3, 3), randomMap(4, 3, 3)];
    const together = await nearestTiles(tiles, patches, { k: 7 });
    for (const [i, patch] of patches.entries()) {
      const [alone] = await nearestTiles(tiles, [patch], { k: 7 });
      expect(together[i]!.map(({ index }) => index)).toEqual(alone!.map(({ index }) => index));
    }
  });

  it('passes over tiles of which more than half is missing', async () => {
    const map = randomMap(5, 6, 2);
    map.data.fill(0, 0, 3 * CHANNELS); // the first three cells of the upper row …
    map.data.fill(0, 6 * CHANNELS, 9 * CHANNELS); // … and of the lower one
    const patch = randomMap(6, 2, 2);
    const [found] = await nearestTiles(new TileMaps([map], 16), [patch], { k: 5 });
    expect(found!.map(({ index }) => index).sort()).toEqual([2, 3, 4]);
  });

  it('refuses a patch or a gallery with NaN, and a patch with nothing in it', async () => {
    const [map, patch] = [randomMap(7, 5, 5), randomMap(8, 2, 2)];
    const broken = (from: FeatureMap, value: number) => ({ ...from, data: from.data.map(() => value) });
    await expect(nearestTiles(new TileMaps([broken(map, Number.NaN)], 16), [patch], { k: 2 })).rejects.toThrow(
      NonFiniteError,
    );
    await expect(nearestTiles(new TileMaps([map], 16), [broken(patch, Number.NaN)], { k: 2 })).rejects.toThrow(
      NonFiniteError,
    );
    await expect(nearestTiles(new TileMaps([map], 16), [broken(patch, 0)], { k: 2 })).rejects.toThrow('no valid cell');
  });

  it('stops when it is aborted', async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    const search = nearestTiles(new TileMaps([randomMap(1, 9, 9)], 16), [randomMap(2, 2, 2)], {
      k: 2,
      signal: abort.signal,
    });
    await expect(search).rejects.toThrow('enough');
  });
});
