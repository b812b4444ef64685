import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import {
  GRADIENT_REACH,
  ORIENTATIONS,
  orientedGradients,
} from '../../../packages/core/src/localisation/oriented_gradients.ts';
import { gradientFeatures } from '../../../packages/core/src/localisation/scene_features.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { pixelsOf, sceneImages } from './synthetic_scene.ts';

const SIDE = 48;
const image = (value: (column: number, row: number) => number, changes: Partial<Raster> = {}): Raster => ({
  data: Float32Array.from({ length: SIDE ** 2 }, (_, i) => value(i % SIDE, Math.floor(i / SIDE))),
  ...{ width: SIDE, height: SIDE, bands: 1, unit: 'digital number' },
  ...changes,
});

const vectorAt = (map: { data: Float32Array }, column: number, row: number) => [
  ...map.data.subarray((row * SIDE + column) * ORIENTATIONS, (row * SIDE + column + 1) * ORIENTATIONS),
];
const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

describe('orientedGradients', () => {
  it('gives unit vectors that peak at the direction of the gradient', () => {
    const angle = (2 * Math.PI) / ORIENTATIONS;
    const slope = image((column, row) => column * Math.cos(angle) + row * Math.sin(angle));
    const vector = vectorAt(orientedGradients(slope, 'optical'), 24, 24);
    expect(dot(vector, vector)).toBeCloseTo(1, 5);
    expect(vector.indexOf(Math.max(...vector))).toBe(2);
  });

  it('is the same for the negative of an image, for another gain and for another offset', () => {
    const edge = (column: number, row: number) => (column + 2 * row > 70 ? 200 : 30);
    const vector = vectorAt(orientedGradients(image(edge), 'optical'), 24, 23);
    const changed = image((column, row) => 100 - 0.3 * edge(column, row));
    expect(dot(vector, vectorAt(orientedGradients(changed, 'optical'), 24, 23))).toBeCloseTo(1, 5);
  });

  it('takes logarithms of SAR: a factor does not count', () => {
    const rng = Rng.derive(1, 'amplitudes');
    const data = Float32Array.from({ length: SIDE ** 2 }, () => 1 + 50 * rng.float());
    const one = orientedGradients(
      image(() => 0, { data, unit: 'amplitude' }),
      'sar',
    );
    const two = orientedGradients(
      image(() => 0, { data: data.map((value) => 7 * value), unit: 'amplitude' }),
      'sar',
    );
    const inDb = orientedGradients(
      image(() => 0, { data: data.map((value) => 20 * Math.log10(value)), unit: 'dB' }),
      'sar',
    );
    for (const other of [two, inDb]) {
      expect(Math.max(...other.data.map((value, i) => Math.abs(value - one.data[i]!)))).toBeLessThan(1e-3);
    }
  });

  it('is zero where missing pixels are near, and where nothing changes', () => {
    const noData = new Uint8Array(SIDE ** 2);
    noData[10 * SIDE + 10] = 1;
    const map = orientedGradients(
      image((column) => column, { noData }),
      'optical',
    );
    expect(vectorAt(map, 10 + GRADIENT_REACH, 10)).toEqual(new Array(ORIENTATIONS).fill(0));
    expect(vectorAt(map, 10 + GRADIENT_REACH + 1, 10).some((value) => value > 0)).toBe(true);
    noData.fill(1, 30 * SIDE + 22, 30 * SIDE + 26); // a run of four, of which both ends count
    const withRun = orientedGradients(
      image((column) => column, { noData }),
      'optical',
    );
    for (const [column, isNear] of [
      [22 - GRADIENT_REACH - 1, false],
      [22 - GRADIENT_REACH, true],
      [25 + GRADIENT_REACH, true],
      [25 + GRADIENT_REACH + 1, false],
    ] as const) {
      expect(
        vectorAt(withRun, column, 30).every((value) => value === 0),
        `${column}`,
      ).toBe(isNear);
    }
    expect(
      orientedGradients(
        image(() => 5),
        'optical',
      ).data.every((value) => value === 0),
    ).toBe(true);
  });
});

describe('gradientFeatures', () => {
  it('reads the same vectors whatever the window, up to the edge of the scene', async () => {
    const features = gradientFeatures(pixelsOf(sceneImages(3, 80, { row: 0, column: 0 })));
    const whole = await features.read('optical', { column: 0, row: 0, width: 80, height: 80 });
    for (const [column, row] of [
      [0, 0],
      [30, 22],
      [60, 60],
    ] as const) {
      const part = await features.read('optical', { column, row, width: 20, height: 20 });
      expect([part.width, part.height]).toEqual([20, 20]);
      const differences = Array.from({ length: 20 * 20 * ORIENTATIONS }, (_, i) => {
        const [c, pixel] = [i % ORIENTATIONS, Math.floor(i / ORIENTATIONS)];
        const [x, y] = [column + (pixel % 20), row + Math.floor(pixel / 20)];
        return Math.abs(part.data[i]! - whole.data[(y * 80 + x) * ORIENTATIONS + c]!);
      });
      expect(Math.max(...differences)).toBeLessThan(1e-6);
    }
  });
});
