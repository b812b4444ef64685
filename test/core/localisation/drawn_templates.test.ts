/** Templates at random places: that they and their windows lie in the scene, and are found where the scene was shifted. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { drawTemplates, findTemplates } from '../../../packages/core/src/localisation/drawn_templates.ts';
import { gradientFeatures } from '../../../packages/core/src/localisation/scene_features.ts';
import { pixelsOf, sceneImages } from './synthetic_scene.ts';

beforeAll(() => selectBackend({ requested: 'wasm' }));

describe('drawTemplates', () => {
  it('keeps templates, windows and a misalignment of 8 pixels within the scene and the search', () => {
    const drawn = fc.record({
      width: fc.integer({ min: 100, max: 400 }),
      height: fc.integer({ min: 100, max: 400 }),
      side: fc.integer({ min: 8, max: 32 }).map((each) => 2 * each),
      search: fc.integer({ min: 5, max: 12 }).map((each) => 2 * each),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(drawn, ({ width, height, seed, ...options }) => {
        for (const { template, centre } of drawTemplates('a', { width, height }, options, { count: 20, seed })) {
          for (const [at, offset, length] of [
            [template.column, centre.column, width],
            [template.row, centre.row, height],
          ] as const) {
            expect(Math.abs(offset)).toBeLessThanOrEqual(options.search - 8);
            expect(at + offset - options.search).toBeGreaterThanOrEqual(0);
            expect(at + offset + options.search + options.side).toBeLessThanOrEqual(length);
            expect(Math.abs(at % 2) + Math.abs(offset % 2)).toBe(0);
          }
        }
      }),
    );
  });

  it('draws by seed and scene, and none where there is no room', () => {
    const of = (scene: string, seed: number, size = 200) =>
      drawTemplates(scene, { width: size, height: size }, { side: 64, search: 16 }, { count: 5, seed });
    expect(of('a', 1)).toEqual(of('a', 1));
    expect(of('a', 1)).not.toEqual(of('b', 1));
    expect(of('a', 1)).not.toEqual(of('a', 2));
    expect(of('a', 1, 110)).toEqual([]);
  });
});

describe('findTemplates', () => {
  it('finds most templates of a shifted scene, wherever their search is centred', async () => {
    const shift = { row: 4, column: -3 };
    const scene = pixelsOf(sceneImages(3, 192, shift, 40));
    const templates = drawTemplates('a', scene, { side: 48, search: 16 }, { count: 12, seed: 1 });
    const found = await findTemplates(templates, gradientFeatures(scene), 16);
    const right = found.filter((each) => Math.hypot(each.shift.row - 4, each.shift.column + 3) < 1.5);
    expect(right.length).toBeGreaterThanOrEqual(8); // chance: 0.6 % each
    expect(new Set(templates.map(({ centre }) => `${centre.row} ${centre.column}`)).size).toBeGreaterThan(6);
  });
});
