/** Windows of scenes: read where both files cover the ground, shifted as the alignment says, apart where ground is shared. */
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../../../packages/core/src/dataset/dataset.ts';
import type { Scene } from '../../../../../packages/core/src/dataset/scenes.ts';
import { SplitError } from '../../../../../packages/core/src/errors.ts';
import type { Normalisation } from '../../../../../packages/core/src/prepare/normalisation.ts';
import { sceneWindows } from '../../../../../packages/core/src/training/matcher/localisation/scene_windows.ts';

const standard = { clip: null, standardise: 'dataset', mean: 0, std: 1 } as const;
const normalisation: Normalisation = {
  version: 1,
  side: 64,
  sar: { source: 'amplitude', unit: 'amplitude', bands: 1, speckleFilter: null, ...standard },
  optical: { bands: 'gray', ...standard },
};

/** A scene of 300 × 200 pixels at a place east of the origin, covered from column 10, row 20 on. */
const sceneAt = (id: string, east: number): Scene => ({
  ...{ id, group: id, width: 300, height: 200, records: [] },
  covered: { column: 10, row: 20, width: 290, height: 180 },
  footprintOf: ({ column, row, width, height }) => ({
    crs: 'EPSG:3395',
    bounds: [east + column, -row - height, east + column + width, -row],
  }),
});

function datasetOf(scenes: Scene[]) {
  const records = [{ window: { scene: 'a', column: 74, row: 84 } }, {}] as unknown as Dataset['records'];
  const dataset: Pick<Dataset, 'folder' | 'records' | 'scenesOf' | 'readWindow'> = {
    ...{ folder: 'data', records, scenesOf: () => scenes },
    // A pixel's value says where it lies.
    async readWindow(_, sensor, { column, row, width, height }) {
      const value = (i: number) => (row + Math.floor(i / width)) * 1000 + column + (i % width);
      const data = Float32Array.from({ length: width * height }, (_, i) => value(i));
      return { data, width, height, bands: 1, unit: sensor === 'sar' ? 'amplitude' : 'digital number' };
    },
  };
  return dataset;
}

describe('windows of scenes', () => {
  const scenes = [sceneAt('a', 0), sceneAt('b', 150), sceneAt('c', 5000)];
  const source = sceneWindows(datasetOf(scenes), normalisation, new Map([['b', { row: 2, column: -3 }]]));

  it('are those of the part that both files cover', async () => {
    expect(source.scenes[0]).toEqual({ id: 'a', width: 290, height: 180 });
    const samples = await source.read(0, 'sar', { row: 5, column: 7 }, 32);
    expect(samples).toHaveLength(32 * 32);
    expect(samples[0]).toBe(25 * 1000 + 17);
    expect(samples[32 + 1]).toBe(26 * 1000 + 18);
  });

  it('have the shifts of their scenes, and the patches of their records', () => {
    expect(source.shiftOf(1)).toEqual({ row: 2, column: -3 });
    expect(source.shiftOf(0)).toEqual({ row: 0, column: 0 });
    expect(source.patchAt(0)).toEqual({ scene: 0, upperLeft: { row: 64, column: 64 } });
    expect(source.patchAt(1)).toBeUndefined();
  });

  it('share ground where their scenes overlap', () => {
    expect(source.sameGround(0, 1)).toBe(true);
    expect(source.sameGround(1, 0)).toBe(true);
    expect(source.sameGround(0, 2)).toBe(false);
  });

  it('need a scene that lies in the training split as a whole', () => {
    expect(() => sceneWindows(datasetOf([]), normalisation)).toThrow(SplitError);
  });
});
