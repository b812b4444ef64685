/** A real pair of the demo under painted clouds, and with painted water: the result is right, or refused with a reason. */
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import { FileStore } from '@doppel/core/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { openPlaced, type PlacedFile } from '../../../packages/core/src/geo/place.ts';
import { type Model, openNamedModel } from '../../../packages/core/src/model.ts';
import { composed, similarityAbout } from '../../../packages/core/src/registration/pixel_affine.ts';
import { registerFiles } from '../../../packages/core/src/registration/register_scenes.ts';
import { registrationSettings } from '../../../packages/core/src/registration/settings.ts';
import { backendLoaders, backendReports } from '../../backends.ts';
import { coverOf, fractalNoise, painted } from './painted.ts';
import { cropped } from './real_scene.ts';

const ROOT = join(import.meta.dirname, '../../..');
const { native } = await backendReports();
const SIDE = 384;
const MIDDLE = [SIDE / 2, SIDE / 2] as const;
const SHIFT = { column: 12.4, row: -9.7, rotation: 0, scale: 1 };
const SHARES = [0.3, 0.6, 0.9];

describe.skipIf(!native?.available)(`a covered scene (native: ${native?.reason ?? 'available'})`, () => {
  let model: Model;
  let [sar, optical]: PlacedFile[] = [];

  beforeAll(async () => {
    await selectBackend({ requested: 'native', loaders: await backendLoaders() });
    model = await openNamedModel();
    const open = async (sensor: string) =>
      cropped(await openPlaced(new FileStore(), join(ROOT, `data/demo/${sensor}/060.tif`)), SIDE);
    [sar, optical] = [await open('sar'), await open('optical')];
  });
  afterAll(() => model?.dispose());

  function register(ours: PlacedFile, theirs: PlacedFile) {
    const transform = composed(theirs.transform!, similarityAbout(MIDDLE, SHIFT));
    const [a, b] = [
      { file: ours, name: 'sar.tif' },
      { file: { ...theirs, transform }, name: 'optical.tif' },
    ];
    return registerFiles(a, b, model, registrationSettings.parse({ cells: 6 }), {});
  }

  /** Trusted results within a few pixels of the files' own alignment; others with a reason in words. */
  function judge({ status, reason, matrix }: Awaited<ReturnType<typeof register>>): void {
    if (status === 'refused') {
      expect(reason).toMatch(/^[a-z][\w ,.:%-]+\d/);
      return;
    }
    const [[a, b, c], [d, e, f]] = matrix as [number[], number[]];
    const [x, y] = MIDDLE;
    expect(Math.hypot(a! * x + b! * y + c! - x, d! * x + e! * y + f! - y)).toBeLessThan(5);
  }

  it.each(SHARES)('under clouds over %f of it', async (share) => {
    const clouds = coverOf(SIDE, share, 5, 0.12);
    const tops = fractalNoise(SIDE, 6, 64);
    const shadows = Float32Array.from(clouds, (_, i) => 0.6 * (clouds[i - 25 * SIDE - 18] ?? 0));
    const shaded = painted(optical!, shadows, () => 20);
    const found = await register(
      sar!,
      painted(shaded, clouds, (pixel) => 205 + 50 * tops[pixel]!),
    );
    judge(found);
    if (share < 0.7) expect(found.status).toBe('trusted');
  });

  it.each(SHARES)('with water over %f of it', async (share) => {
    const water = coverOf(SIDE, share, 9, 0.01);
    const rng = Rng.derive(1, 'waves');
    const waves = Float32Array.from(water, () => rng.float());
    const speckle = Float32Array.from(water, () => -Math.log(1 - rng.float()));
    const [ours, theirs] = [
      painted(sar!, water, (pixel) => 12 * Math.sqrt(speckle[pixel]!)),
      painted(optical!, water, (pixel, band) => [18, 34, 48][band]! + 4 * waves[pixel]!),
    ];
    const found = await register(ours, theirs);
    judge(found);
    if (share < 0.5) expect(found.status).toBe('trusted');
  });
});
