/** A real pair of the demo and the matcher in the box, on the addon. */
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import { FileStore } from '@doppel/core/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlaced, type PlacedFile } from '../../../packages/core/src/geo/place.ts';
import { type Model, openNamedModel } from '../../../packages/core/src/model.ts';
import { denseFeatures } from '../../../packages/core/src/registration/dense_features.ts';
import { featuresOf } from '../../../packages/core/src/registration/features.ts';
import { composed, IDENTITY, similarityAbout } from '../../../packages/core/src/registration/pixel_affine.ts';
import { registerFiles } from '../../../packages/core/src/registration/register_scenes.ts';
import type { Registration } from '../../../packages/core/src/registration/registration.ts';
import { scenePair } from '../../../packages/core/src/registration/scene_pair.ts';
import { type RegistrationOptions, registrationSettings } from '../../../packages/core/src/registration/settings.ts';
import { backendLoaders, backendReports } from '../../backends.ts';
import { cropped } from './real_scene.ts';

const ROOT = join(import.meta.dirname, '../../..');
const { native } = await backendReports();
const SIDE = 320;
const MIDDLE = [SIDE / 2, SIDE / 2] as const;
const still = { column: 0, row: 0, rotation: 0, scale: 1 };

describe.skipIf(!native?.available)(`a pair of the demo (native: ${native?.reason ?? 'available'})`, () => {
  let model: Model;
  const scenes: Record<string, PlacedFile> = {};

  beforeAll(async () => {
    await selectBackend({ requested: 'native', loaders: await backendLoaders() });
    model = await openNamedModel();
    for (const [sensor, scene] of [
      ['sar', '060'],
      ['optical', '060'],
      ['elsewhere', '270'],
    ] as const) {
      const folder = sensor === 'sar' ? 'sar' : 'optical';
      scenes[sensor] = cropped(await openPlaced(new FileStore(), join(ROOT, `data/demo/${folder}/${scene}.tif`)), SIDE);
    }
  });
  afterAll(() => model?.dispose());

  function register(
    displacement = still,
    options: RegistrationOptions = {},
    optical = 'optical',
    signal?: AbortSignal,
  ) {
    const transform = composed(scenes.sar!.transform!, similarityAbout(MIDDLE, displacement));
    const settings = registrationSettings.parse({ cells: 5, ...options });
    const [sar, other] = [
      { file: scenes.sar!, name: 'sar.tif' },
      { ...scenes[optical]!, transform },
    ];
    return registerFiles(sar, { file: other, name: 'optical.tif' }, model, settings, { signal });
  }

  it('is found after a shift, exactly as after another one', async () => {
    const [a, b] = [
      await register({ ...still, column: 17.4, row: -21.7 }, { features: 'dense' }),
      await register({ ...still, column: -9.1, row: 5.3 }, { features: 'dense' }),
    ];
    expect([a.status, b.status]).toEqual(['trusted', 'trusted']);
    expect(
      placeOf(a)
        .map(Math.abs)
        .every((off) => off < 5),
    ).toBe(true);
    expect(Math.hypot(placeOf(a)[0] - placeOf(b)[0], placeOf(a)[1] - placeOf(b)[1])).toBeLessThan(0.1);
  });

  it('is found after a turn and a stretch, by both kinds of features', async () => {
    const found = await register(
      { column: 30, row: -12, rotation: -3.5, scale: 1.015 },
      { rotation: 5, scale: 0.02, radius: '48px' },
    );
    expect([found.status, found.reason]).toEqual(['trusted', undefined]);
    expect(
      placeOf(found)
        .map(Math.abs)
        .every((off) => off < 5),
    ).toBe(true);
    expect(found.coarse!.rotation).toBeCloseTo(-3.5, 0);
    const used = found.points.filter(({ reason }) => reason === 'used');
    expect(used.length).toBeGreaterThan(15);
    for (const { probability, backward, ratio } of used) {
      expect(probability).toBeGreaterThanOrEqual(0.5);
      expect(backward ?? 0).toBeLessThanOrEqual(1); // absent where the scene ends
      expect(ratio ?? 0).toBeLessThanOrEqual(0.8); // absent where there is no second maximum
    }
  });

  it('is refused where the scenes are of different places, and says so', async () => {
    const found = await register(still, { features: 'dense', rotation: 2, scale: 0.02 }, 'elsewhere');
    expect(found.status).toBe('refused');
    expect(found.reason).toMatch(/^no coarse agreement: \d+ of \d+ windows agree$/);
  });

  it('has features that do not depend on the window in which they are computed', async () => {
    const [sar, optical] = ['sar', 'optical'].map((name) => ({ file: scenes[name]!, name })) as [never, never];
    const pair = await scenePair(sar, optical, registrationSettings.parse({}));
    const kind = denseFeatures(model);
    const { read } = pair.through(IDENTITY);
    const small = await featuresOf(kind, 'optical', read, { column: 160, row: 200, width: 32, height: 32 });
    const large = await featuresOf(kind, 'optical', read, { column: 128, row: 160, width: 128, height: 128 });
    for (let row = 0; row < 16; row++) {
      const at = ((20 + row) * large.width + 16) * large.channels;
      const line = small.data.subarray(row * 16 * small.channels, (row + 1) * 16 * small.channels);
      line.forEach((value, i) => void expect(value).toBeCloseTo(large.data[at + i]!, 4));
    }
  });

  it('is refused where the roles are exchanged, though each file has one band of positive values, unless told', async () => {
    const exchange = (asNamed: boolean) => {
      const settings = registrationSettings.parse({ features: 'dense', radius: '32px', cells: 3, sarBand: 2 });
      const [a, b] = [
        { file: scenes.optical!, name: 'a.tif' },
        { file: scenes.sar!, name: 'b.tif' },
      ];
      return registerFiles(a, b, model, settings, {}, asNamed);
    };
    await expect(exchange(false)).rejects.toThrow(
      /^Cannot register b\.tif on a\.tif: expected the radar scene as --sar, the optical scene as --optical, found them swapped, it seems: the matcher finds a correlation of 0\.1\d\d with the two exchanged, 0\.0\d\d as they are/,
    );
    expect((await exchange(true)).sar.file).toBe('a.tif');
  });

  it('is not taken for exchanged where the optical scene has one band', async () => {
    const found = await register(still, { features: 'dense', radius: '32px', opticalBands: [2] });
    expect(found.status).toBe('trusted');
  });

  it('stops when asked', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(register(still, {}, 'optical', signal)).rejects.toThrow('stop');
  });
});

/** Where the middle of the optical scene is put, less the middle of the SAR scene. */
function placeOf({ matrix }: Pick<Registration, 'matrix'>): [number, number] {
  const [[a, b, c], [d, e, f]] = matrix as [number[], number[]];
  const [x, y] = MIDDLE;
  return [a! * x + b! * y + c! - x, d! * x + e! * y + f! - y];
}
