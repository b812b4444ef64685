import { describe, expect, it } from 'vitest';
import {
  applyAffine,
  composed,
  inverted,
  similarityAbout,
} from '../../../packages/core/src/registration/pixel_affine.ts';
import { sourceWindow, warped } from '../../../packages/core/src/registration/warp.ts';

const map = similarityAbout([20, 20], { column: 1.25, row: -0.5, rotation: 7, scale: 1.1 });

describe('affine maps of pixels', () => {
  it('are inverted and composed', () => {
    const [x, y] = applyAffine(composed(inverted(map), map), 3, 4);
    expect(x).toBeCloseTo(3, 9);
    expect(y).toBeCloseTo(4, 9);
    expect(applyAffine(map, 20, 20)[0]).toBeCloseTo(21.25, 9);
  });

  it('turn clockwise in an image', () => {
    const [x, y] = applyAffine(similarityAbout([0, 0], { column: 0, row: 0, rotation: 90, scale: 1 }), 1, 0);
    expect([x, y].map((each) => Math.round(each))).toEqual([0, 1]);
  });
});

describe('warping', () => {
  const window = { column: 4, row: 6, width: 20, height: 12 };
  const from = sourceWindow(window, map);
  const ramp = (x: number, y: number) => 3 * x - 2 * y + 5;
  const source = (noData?: Uint8Array) => ({
    ...{ width: from.width, height: from.height, bands: 1, unit: 'digital number' as const },
    data: Float32Array.from({ length: from.width * from.height }, (_, i) =>
      ramp(from.column + (i % from.width) + 0.5, from.row + Math.floor(i / from.width) + 0.5),
    ),
    ...(noData && { noData }),
  });

  it('keeps a ramp exactly: centres of pixels go to where the map says', () => {
    const { data, noData } = warped(source(), from, window, map);
    expect(noData).toBeUndefined();
    data.forEach((value, i) => {
      const [x, y] = applyAffine(map, window.column + (i % 20) + 0.5, window.row + Math.floor(i / 20) + 0.5);
      expect(value).toBeCloseTo(ramp(x, y), 3);
    });
  });

  it('is missing where a pixel around is missing', () => {
    const noData = new Uint8Array(from.width * from.height).fill(1);
    expect(warped(source(noData), from, window, map).noData!.every((each) => each === 1)).toBe(true);
  });
});
