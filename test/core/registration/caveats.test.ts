/** What a verdict does not cover. */
import { describe, expect, it } from 'vitest';
import { caveatsOf } from '../../../packages/core/src/registration/caveats.ts';
import { tooFewWindows } from '../../../packages/core/src/registration/register_scenes.ts';
import type { Reason } from '../../../packages/core/src/registration/registration.ts';

const held = (count: number, reason: Reason = 'used') =>
  Array.from({ length: count }, () => ({ heldOut: true, reason }));
const fitted = Array.from({ length: 20 }, () => ({ heldOut: false, reason: 'used' as const }));

describe('caveatsOf', () => {
  it('has none for a usual scene', () => {
    expect(caveatsOf([...fitted, ...held(10)])).toEqual([]);
  });

  it('says that a few held-out points are no check, or rough intervals', () => {
    expect(caveatsOf([...fitted, ...held(1)])).toEqual([
      'no held-out check: 1 held-out point is too few; how far off it is, is not known',
    ]);
    expect(caveatsOf(held(4))[0]).toContain('4 held-out points are too few');
    for (const count of [5, 9]) {
      expect(caveatsOf(held(count))).toEqual([`the intervals come from ${count} held-out points only: they are rough`]);
    }
  });

  it('counts held-out points off the model', () => {
    expect(caveatsOf([...held(11), ...held(1, 'off the model'), { heldOut: false, reason: 'off the model' }])).toEqual([
      '1 of 12 held-out points was off the model and not in the figures',
    ]);
  });

  it('says that points lean, and what to do unless it was done', () => {
    const [untold, told] = [false, true].map((isTold) =>
      caveatsOf([...fitted, ...held(10)], { distance: 6.54, deviation: 2, isTold }),
    );
    expect(untold).toEqual([expect.stringMatching(/^the points lean the corners by 6.5 px.*--rotation and --scale$/)]);
    expect(told).toEqual(['the points lean the corners by 6.5 px, which was taken for terrain']);
  });
});

describe('tooFewWindows', () => {
  const shift = { rotation: 0, scale: 0 };

  it('says that a scene is too small to agree beyond luck', () => {
    expect(tooFewWindows({ windows: 4, share: 0.02 }, shift)).toBe(
      'the scene has room for 4 windows only, of which all must agree to beat luck: use a larger scene',
    );
    expect(tooFewWindows({ windows: 1, share: 0.02 }, shift)).toContain(
      'room for 1 window only, which cannot beat luck',
    );
  });

  it('says nothing where one window may err', () => {
    expect(tooFewWindows({ windows: 16, share: 0.01 }, shift)).toBeUndefined();
  });
});
