import { beforeAll, describe, expect, it } from 'vitest';
import { composed, similarityAbout } from '../../../packages/core/src/registration/pixel_affine.ts';
import { registerFiles } from '../../../packages/core/src/registration/register_scenes.ts';
import type { Registration } from '../../../packages/core/src/registration/registration.ts';
import { type RegistrationOptions, registrationSettings } from '../../../packages/core/src/registration/settings.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { sceneImages } from '../localisation/synthetic_scene.ts';
import { fileOf, NORTH_UP } from './memory_scene.ts';

beforeAll(selectProcessorBackend);

const SIDE = 320;
const STILL = { row: 0, column: 0 };
const options: RegistrationOptions = { features: 'gradients', radius: '24px', search: 16, side: 48, cells: 5 };

const { sar, optical } = sceneImages(3, SIDE, STILL);

const register = (
  displacement: ReturnType<typeof similarityAbout>,
  more: RegistrationOptions = {},
  other = optical,
) => {
  const placed = fileOf(other, composed(NORTH_UP, displacement));
  const named = [
    { file: fileOf(sar), name: 'sar.tif' },
    { file: placed, name: 'optical.tif' },
  ] as const;
  return registerFiles(named[0], named[1], undefined, registrationSettings.parse({ ...options, ...more }), {});
};

/** Largest distance of a corner from itself, as the pixels correspond one to one. */
function cornerError({ matrix }: Pick<Registration, 'matrix'>): number {
  const [[a, b, c], [d, e, f]] = matrix as [number[], number[]];
  const corners = [0, SIDE].flatMap((x) => [0, SIDE].map((y) => [x, y] as const));
  return Math.max(...corners.map(([x, y]) => Math.hypot(a! * x + b! * y + c! - x, d! * x + e! * y + f! - y)));
}

const MIDDLE = [SIDE / 2, SIDE / 2] as const;

describe('registration of two scenes', () => {
  it('finds a shift of a part of a pixel, and says of each cell what became of it', async () => {
    const found = await register(similarityAbout(MIDDLE, { column: 13.3, row: -7.6, rotation: 0, scale: 1 }));
    expect(found).toMatchObject({ status: 'trusted', features: 'gradients', radius: 24 });
    expect(found.points).toHaveLength(25);
    expect(cornerError(found)).toBeLessThan(1);
    const used = found.points.filter(({ reason }) => reason === 'used');
    expect(used.length).toBeGreaterThan(12);
    for (const { offset } of used) {
      expect(Math.hypot(offset!.column - 13.3, offset!.row + 7.6)).toBeLessThan(3);
    }
    expect(found.coarse!.agreeing).toBeGreaterThan(found.coarse!.windows / 2);
  });

  it('finds a turn and a stretch within what it is told to search', async () => {
    const displacement = similarityAbout(MIDDLE, { column: -9, row: 11, rotation: 3, scale: 1.02 });
    const found = await register(displacement, { rotation: 4, scale: 0.03 });
    expect([found.status, found.reason]).toEqual(['trusted', undefined]);
    expect(cornerError(found)).toBeLessThan(2);
    expect(found.coarse!.rotation).toBeCloseTo(3, 0);
  });

  it('finds the place anywhere, without a prior', async () => {
    const displacement = similarityAbout(MIDDLE, { column: 120, row: -90, rotation: 0, scale: 1 });
    const found = await register(displacement, { radius: 'scene' });
    expect([found.status, found.reason]).toEqual(['trusted', undefined]);
    expect(cornerError(found)).toBeLessThan(1);
  });

  it('refuses scenes of different places', async () => {
    const found = await register(
      similarityAbout(MIDDLE, { column: 0, row: 0, rotation: 0, scale: 1 }),
      {},
      sceneImages(99, SIDE, STILL).optical,
    );
    expect(found.status).toBe('refused');
    expect(found.reason).toBeTruthy();
  });

  it('tells which cells have no data', async () => {
    const noData = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE < 96 ? 1 : 0));
    const found = await register(
      similarityAbout(MIDDLE, { column: 2, row: 3, rotation: 0, scale: 1 }),
      {},
      { ...optical, noData },
    );
    expect(found.points).toHaveLength(25);
    const left = found.points.filter(({ cell }) => cell.column === 0);
    expect(left.length).toBe(5);
    for (const { reason } of left) expect(['outside', 'no data']).toContain(reason);
  });
});
