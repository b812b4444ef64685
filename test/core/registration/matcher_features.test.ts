/** Features by a matcher, for scenes of a data set that it was not trained on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import type { Scene } from '../../../packages/core/src/dataset/scenes.ts';
import type { ScenePixels } from '../../../packages/core/src/localisation/scene_features.ts';
import { type Model, openNamedModel } from '../../../packages/core/src/model.ts';
import { turned } from '../../../packages/core/src/raster/turned.ts';
import { matcherFeatures, unseenFeatures } from '../../../packages/core/src/registration/matcher_features.ts';

const [WIDTH, HEIGHT] = [173, 150];
const pixel = (x: number, y: number) => 60 + 30 * Math.sin(x / 5) * Math.cos(y / 7) + ((x * 31 + y * 17) % 11);

const scene: ScenePixels = {
  width: WIDTH,
  height: HEIGHT,
  async readWindow(sensor, { column, row, width, height }) {
    const bands = sensor === 'sar' ? 1 : 3;
    const data = new Float32Array(width * height * bands).map((_, i) => {
      const at = Math.floor(i / bands);
      return pixel(column + (at % width), row + Math.floor(at / width));
    });
    return { data, width, height, bands, unit: sensor === 'sar' ? 'amplitude' : 'digital number' };
  },
};

const TRANSPOSED = { flip: true, turns: 1 };

let model: Model;
beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  model = await openNamedModel();
});
afterAll(() => model.dispose());

describe('matcherFeatures', () => {
  it.each([
    ['sar', 1],
    ['optical', 1],
    ['sar', 4],
    ['optical', 8],
  ] as const)(
    'of %s under %i views do not depend on the window, at the edges of the scene neither',
    async (sensor, views) => {
      const features = matcherFeatures(model, scene, views);
      const whole = await features.read(sensor, { column: 0, row: 0, width: 172, height: 150 });
      const window = { column: 106, row: 90, width: 66, height: 60 };
      const part = await features.read(sensor, window);
      expect([part.width, part.height, part.channels]).toEqual([33, 30, 16 * views]);
      let worst = 0;
      for (let y = 0; y < part.height; y++) {
        for (let k = 0; k < part.width * part.channels; k++) {
          const same = whole.data[((45 + y) * whole.width + 53) * part.channels + k]!;
          worst = Math.max(worst, Math.abs(part.data[y * part.width * part.channels + k]! - same));
        }
      }
      expect(worst).toBeLessThan(1e-5);
    },
  );

  it('under two views are those of the scene and of the transposed scene, with unit length', async () => {
    const window = { column: 24, row: 40, width: 48, height: 32 };
    const transposed: ScenePixels = {
      ...{ width: HEIGHT, height: WIDTH },
      async readWindow(sensor, { column, row, width, height }) {
        const pixels = await scene.readWindow(sensor, { column: row, row: column, width: height, height: width });
        const { data } = turned({ ...pixels, channels: pixels.bands }, TRANSPOSED);
        return { ...pixels, data, width, height };
      },
    };
    const both = await matcherFeatures(model, scene, 2).read('optical', window);
    const own = await matcherFeatures(model, scene).read('optical', window);
    const other = await matcherFeatures(model, transposed).read('optical', {
      column: 40,
      row: 24,
      width: 32,
      height: 48,
    });
    const parts = [own, turned(other, TRANSPOSED)];
    let worst = 0;
    both.data.forEach((value, i) => {
      const [cell, number] = [Math.floor(i / 32), i % 32];
      const part = parts[Math.floor(number / 16)]!.data[cell * 16 + (number % 16)]!;
      worst = Math.max(worst, Math.abs(value - part / Math.SQRT2));
    });
    expect(worst).toBeLessThan(1e-5);
    expect(Math.hypot(...both.data.subarray(0, 32))).toBeCloseTo(1, 5);
  });
});

describe('unseenFeatures', () => {
  const at = (group: string) => ({ id: group, group }) as Scene;
  const trainedOn = (train: string[] | undefined) =>
    ({
      ...model,
      info: { ...model.info, trainedOn: { ...model.info.trainedOn, places: train && { train, validation: [] } } },
    }) as Model;

  it('are those of the first matcher that was not trained on the scene', () => {
    const features = unseenFeatures([trainedOn(['a', 'b']), trainedOn(['b', 'c'])]);
    expect(['a', 'b', 'c', 'd'].map((group) => features(at(group), scene)?.stride)).toEqual([2, undefined, 2, 2]);
  });

  it('refuse a matcher that does not name its places, and one without cells', () => {
    expect(() => unseenFeatures([trainedOn(undefined)])).toThrow('names the places that it was trained on');
    const other = { ...model, info: { ...model.info, preset: 'paper-bn' } } as Model;
    expect(() => unseenFeatures([other])).toThrow('a model of the architecture dense');
  });
});
