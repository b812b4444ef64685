import { beforeAll, describe, expect, it } from 'vitest';
import { ALIGNMENT_DEFAULTS, alignScene } from '../../../packages/core/src/localisation/align_scene.ts';
import { gradientFeatures } from '../../../packages/core/src/localisation/scene_features.ts';
import { templateGrid } from '../../../packages/core/src/localisation/template_votes.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { pixelsOf, sceneImages } from './synthetic_scene.ts';

beforeAll(selectProcessorBackend);

const options = { ...ALIGNMENT_DEFAULTS, side: 32, search: 7, templates: 9 };

describe('alignScene', () => {
  it('finds where the optical scene lies: optical position = SAR position + shift', async () => {
    const scene = pixelsOf(sceneImages(1, 120, { row: 3, column: -4.5 }));
    const found = await alignScene('a', scene, options);
    expect(found).toMatchObject({ id: 'a', accepted: true });
    expect(Math.hypot(found.shift.row - 3, found.shift.column + 4.5)).toBeLessThan(0.8);
    expect(found.uncertainty).toBeLessThan(0.5);
    expect(found.estimates.map(({ by }) => by)).toEqual(['gradients-even', 'gradients-odd']);
    expect(found.estimates[0]!.votes + found.estimates[1]!.votes).toBeLessThanOrEqual(9);
  });

  it('compares gradients with another means, and flags what they disagree on', async () => {
    const [images, others] = [sceneImages(1, 120, { row: 3, column: 1 }), sceneImages(1, 120, { row: -2, column: 1 })];
    const agreed = await alignScene('a', pixelsOf(images), options, gradientFeatures(pixelsOf(images)));
    expect(agreed).toMatchObject({ accepted: true, difference: 0 });
    expect(agreed.estimates.map(({ by }) => by)).toEqual(['gradients', 'matcher']);
    const disagreed = await alignScene('a', pixelsOf(images), options, gradientFeatures(pixelsOf(others)));
    expect(disagreed).toMatchObject({ accepted: false, shift: { row: 0, column: 0 } });
    expect(disagreed.difference).toBeCloseTo(5, 0);
    expect(disagreed.uncertainty).toBeUndefined();
  });

  it('accepts nothing where the two scenes show different ground', async () => {
    const [sar, optical] = [
      sceneImages(1, 120, { row: 0, column: 0 }).sar,
      sceneImages(9, 120, { row: 0, column: 0 }).optical,
    ];
    const found = await alignScene('a', pixelsOf({ sar, optical }), { ...options, tolerance: 1 });
    expect(found).toMatchObject({ accepted: false, shift: { row: 0, column: 0 } });
  });

  it('accepts nothing where the scene is too small for a template', async () => {
    const scene = pixelsOf(sceneImages(1, 45, { row: 0, column: 0 }));
    expect(await alignScene('a', scene, options)).toEqual({
      ...{ id: 'a', accepted: false, shift: { row: 0, column: 0 }, estimates: [] },
    });
  });

  it('stops when asked', async () => {
    const scene = pixelsOf(sceneImages(1, 120, { row: 0, column: 0 }));
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(alignScene('a', scene, { ...options, signal })).rejects.toThrow('stop');
  });
});

describe('templateGrid', () => {
  it('spreads templates evenly, with room for the search', () => {
    const grid = templateGrid({ width: 400, height: 200 }, { side: 40, search: 10 }, 8);
    expect(grid).toHaveLength(8);
    const columns = [...new Set(grid.map(({ column }) => column))];
    expect([Math.min(...columns), Math.max(...columns)]).toEqual([10, 350]);
    expect([...new Set(grid.map(({ row }) => row))]).toEqual([10, 150]);
    expect(templateGrid({ width: 60, height: 60 }, { side: 40, search: 10 }, 8)).not.toHaveLength(0);
    expect(templateGrid({ width: 59, height: 60 }, { side: 40, search: 10 }, 8)).toEqual([]);
  });
});
