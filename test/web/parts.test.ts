/** Parts of the page that need no browser. */
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../packages/core/src/errors.ts';
import type { Registration, TiePoint } from '../../packages/core/src/registration/registration.ts';
import { viridis } from '../../packages/report/src/plots/viridis.ts';
import { peakOf, rangeOf } from '../../packages/web/src/page/compare/correlation_peak.ts';
import { FaultError, faultOf, headlineOf } from '../../packages/web/src/page/fault.ts';
import { imageOf } from '../../packages/web/src/page/frame/image_json.ts';
import { factorOf, pointText, spanOf, tipOf } from '../../packages/web/src/page/register/point_features.ts';
import { DEFAULTS, settingsOf } from '../../packages/web/src/page/register/settings_values.ts';
import { middleOf, sideOf, squareOf } from '../../packages/web/src/page/search/box.ts';
import { answer, unwrap } from '../../packages/web/src/page/worker/answer.ts';
import { limitsOf, pictureOf } from '../../packages/web/src/page/worker/picture.ts';
import { levelsOf } from '../../packages/web/src/page/worker/scene_facts.ts';

describe('faults', () => {
  const error = new FormatError({
    ...{
      action: 'read the image',
      file: 'a.png',
      expected: 'a GeoTIFF',
      found: 'an empty file',
      remedy: 'Convert it.',
    },
  });

  it('keep the four parts, and the upload that caused them', () => {
    const fault = faultOf(error, 'sar');
    expect(fault).toEqual({
      message: error.message,
      expected: 'a GeoTIFF',
      found: 'an empty file',
      remedy: 'Convert it.',
      file: 'sar',
    });
    expect(headlineOf(fault)).toBe('Cannot read the image a.png.');
    expect(headlineOf({ message: 'Cannot reach the server.' })).toBe('Cannot reach the server.');
    expect(faultOf(new FaultError(fault), 'optical').file).toBe('sar');
  });

  it('cross between threads as data', async () => {
    const given = await answer(() => Promise.reject(error), 'optical');
    expect(given).toEqual({ fault: faultOf(error, 'optical') });
    await expect(unwrap(Promise.resolve(given))).rejects.toThrow(error.message);
    expect(await unwrap(answer(() => 7))).toBe(7);
  });
});

describe('pictures', () => {
  it('are grey between limits, and transparent where a pixel is missing', () => {
    const samples = { data: [0, 5, 10, Number.NaN], width: 2, height: 2, bands: 1, noData: [0, 0, 1, 0] };
    const { rgba } = pictureOf(samples, [0, 10]);
    expect([...rgba]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 0, 0, 0, 0, 0]);
  });

  it('are in colour with three bands', () => {
    const { rgba } = pictureOf({ data: [0, 5, 20], width: 1, height: 1, bands: 3 }, [0, 10]);
    expect([...rgba]).toEqual([0, 128, 255, 255]);
  });

  it('take their limits from all but the tails', () => {
    const data = Array.from({ length: 1001 }, (_, i) => i);
    expect(limitsOf({ data, width: 1001, height: 1, bands: 1 })).toEqual([10, 990]);
    expect(limitsOf({ data: [3, 3], width: 2, height: 1, bands: 1 })).toEqual([3, 4]);
    expect(limitsOf({ data: [Number.NaN], width: 1, height: 1, bands: 1 })).toEqual([0, 1]);
  });

  it('have a pyramid whose first level is one tile', () => {
    const of = (side: number) => levelsOf({ extent: [0, 0, side * 10, side * 5], resolution: 10 });
    expect([256, 257, 1024, 100].map(of)).toEqual([1, 2, 3, 1]);
  });

  it('colour from dark to bright', () => {
    expect(viridis(0)).toEqual([68, 1, 84]);
    expect(viridis(9)).toEqual([253, 231, 37]);
  });
});

describe('correlation maps', () => {
  const map = {
    values: Float32Array.of(0, 0.1, 0, 0, 0.2, 0.9, 0, 0, 0),
    width: 3,
    height: 3,
    stride: 2,
    reach: 2,
    radius: 2,
  };

  it('have their peak in pixels from the middle', () => {
    expect(peakOf(map)).toMatchObject({ right: 2, down: 0 });
    expect(peakOf(map).value).toBeCloseTo(0.9);
    expect(rangeOf(Float32Array.of(0.5, 0.5))).toEqual([0.5, 0.51]);
  });
});

it('samples go to the server as base64, NaN where they are missing', () => {
  const image = imageOf({
    data: Float32Array.of(1, 2),
    width: 2,
    height: 1,
    bands: 1,
    unit: 'amplitude',
    noData: Uint8Array.of(0, 1),
  });
  expect(image).toMatchObject({ shape: [1, 2, 1], unit: 'amplitude' });
  expect([...new Float32Array(Uint8Array.from(atob(image.data), (each) => each.charCodeAt(0)).buffer)]).toEqual([
    1,
    Number.NaN,
  ]);
});

it('settings of a registration are those that differ from the defaults', () => {
  expect(settingsOf(DEFAULTS)).toEqual({ radius: '64px' });
  const changed = { ...DEFAULTS, anywhere: true, scale: 5, rotation: 2, fit: 'affine', features: 'gradients' } as const;
  expect(settingsOf(changed)).toEqual({
    radius: 'scene',
    scale: 0.05,
    rotation: 2,
    fit: 'affine',
    features: 'gradients',
  });
});

describe('boxes', () => {
  const rule = { side: 64, sides: { min: 32, multipleOf: 8 } };
  it.each([
    [0, 64],
    [9, 32],
    [60, 64],
    [101, 104],
    [9000, 512],
  ])('of %i pixels become squares of %i', (drawn, side) => expect(sideOf(drawn, rule)).toBe(side));
  it('have the only side of a model that takes no other', () => expect(sideOf(100, { side: 64 })).toBe(64));
  it('lie around the middle of what was drawn', () => {
    expect(middleOf([0, 0, 10, 4])).toEqual([5, 2]);
    expect(squareOf([0, 0, 10, 4], 3)).toEqual([2, -1, 8, 5]);
  });
});

describe('tie points', () => {
  const point = (residual: number, more: Partial<TiePoint> = {}): TiePoint => ({
    ...{ id: 3, cell: { column: 0, row: 0 }, reason: 'used', heldOut: false, sar: [0, 0], sarGround: [100, 200] },
    ...{ offset: { column: 4, row: 3 }, residual: { column: residual, row: 0 } },
    ...more,
  });
  const grid = {
    crs: 'EPSG:32611',
    transform: [0, 10, 0, 0, 0, -10],
    width: 100,
    height: 100,
    metres: 10,
  } as Registration['grid'];

  it('are coloured up to the 95 % quantile of the residuals that are used', () => {
    expect(spanOf([])).toBe(0.5);
    expect(spanOf([...Array.from({ length: 40 }, () => point(1)), point(50, { reason: 'off the model' })])).toBe(1);
  });

  it('have arrows of a round factor that stay within their cells', () => {
    const points = Array.from({ length: 4 }, () => point(1)); // cells of 50 px, offsets of 5 px
    expect(factorOf({ points, grid }, 'offset')).toBe(5);
    expect(factorOf({ points, grid }, 'none')).toBe(1);
    expect(tipOf([100, 200], { column: 4, row: 3 }, grid, 5)).toEqual([300, 50]);
  });

  it('say what was measured', () => {
    expect(pointText(point(-1, { heldOut: true, peak: 0.456, probability: 0.97 }))).toBe(
      'Cell 3: used, held out · offset 4.00, 3.00 px · residual −1.00, 0.00 px (1.00 px) · peak 0.46 · same place 97 %',
    );
  });
});
