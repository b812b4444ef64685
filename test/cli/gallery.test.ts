/** `doppel gallery` on small scenes, with a matcher of random weights. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listScenes } from '../../packages/cli/src/commands/gallery/scene_list.ts';
import { UsageError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { tiffFile } from '../core/import/image_files.ts';
import { denseCheckpoint, noisePatch } from '../server/tiny_model.mjs';
import { runDoppel } from './run_command.ts';

const store = new FileStore();
const folder = mkdtempSync(join(tmpdir(), 'doppel-gallery-cli-'));
const at = (name: string) => join(folder, name);
const FLAGS = ['--backend', 'wasm'];
/** The same with less to look at. */
const FEW = [...FLAGS, '--shortlist', '3'];

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  writeFileSync(at('model.safetensors'), denseCheckpoint());
  writeFileSync(at('patch.png'), noisePatch(9).png);
  const scenes: Promise<void>[] = [];
  for (const modality of ['sar', 'optical']) {
    mkdirSync(at(`data/${modality}`), { recursive: true });
    ['a', 'b', 'c'].forEach((name, i) => {
      scenes.push(writeScene(at(`data/${modality}/${name}.tif`), i + 1, 15 + 0.03 * i));
    });
  }
  await Promise.all(scenes);
  writeFileSync(at('data/scenes.json'), JSON.stringify(['a', 'b', 'c'].map((scene) => ({ scene }))));
  const split = { train: ['a'], validation: ['b'], test: ['c'] };
  writeFileSync(at('data/protocol.json'), JSON.stringify({ split, unused: [] }));
});

/** A scene of noise in floats, 104 pixels of 10 m wide. */
async function writeScene(file: string, seed: number, longitude: number): Promise<void> {
  const { samples } = noisePatch(seed, 104);
  const place = { epsg: 32633, longitude, latitude: 48.8, pixel: 10 };
  const value = (column: number, row: number) => samples[row * 104 + column]!;
  writeFileSync(file, await tiffFile({ width: 104, height: 104, place, value }));
}

afterAll(() => rmSync(folder, { recursive: true }));

describe('listScenes', () => {
  const list = (scenes: string[], more = {}) =>
    listScenes(store, { scenes: scenes.map(at), modality: 'optical', ...more });
  const optical = (...names: string[]) => names.map((name) => at(`data/optical/${name}.tif`));

  it('takes folders, lists, patterns and files, each scene once', async () => {
    expect(await list(['data'])).toEqual(optical('a', 'b', 'c'));
    expect(await list(['data/optical'])).toEqual(optical('a', 'b', 'c'));
    expect(await list(['data/scenes.json'])).toEqual(optical('a', 'b', 'c'));
    expect(await list(['data/**/[bc].tif'])).toEqual([
      ...optical('b', 'c'),
      at('data/sar/b.tif'),
      at('data/sar/c.tif'),
    ]);
    expect(await list(['data/optical/b.tif', 'data'])).toEqual(optical('b', 'a', 'c'));
    expect(await list(['data'], { modality: 'sar' })).toEqual([
      at('data/sar/a.tif'),
      at('data/sar/b.tif'),
      at('data/sar/c.tif'),
    ]);
  });

  it('takes the scenes of a split', async () => {
    expect(await list(['data'], { protocol: at('data/protocol.json'), split: 'test' })).toEqual(optical('c'));
    await expect(list(['data'], { split: 'test' })).rejects.toThrow(UsageError);
  });

  it('refuses what holds no scene', async () => {
    await expect(list(['nothing.tif'])).rejects.toThrow('nothing at');
    await expect(list(['data/*.jpg'])).rejects.toThrow('found none');
    await expect(list(['data/optical/c.tif'], { protocol: at('data/protocol.json'), split: 'train' })).rejects.toThrow(
      'none of the split train among 1',
    );
  });
});

describe('doppel gallery', () => {
  const run = async (...words: string[]) => {
    const { stdout, exitCode } = await runDoppel(['gallery', ...words, '--json']);
    return { ...JSON.parse(stdout), exitCode };
  };

  it('builds, adds, describes, searches and evaluates', async () => {
    const model = at('model.safetensors');
    const built = await run(
      'build',
      at('data/optical/a.tif'),
      at('data/optical/b.tif'),
      '--out',
      at('g'),
      '--model',
      model,
      ...FLAGS,
    );
    expect(built).toMatchObject({ scenes: 2, embedded: 2, kept: 0, tiles: 72 });
    expect(await run('add', at('g'), at('data'), ...FLAGS)).toMatchObject({
      scenes: 3,
      embedded: 1,
      kept: 2,
      tiles: 108,
    });
    const info = await run('info', at('g'));
    expect(info).toMatchObject({ modality: 'optical', side: 64, tiles: 108, model: { name: model } });
    expect(info.metresPerPixel).toBeCloseTo(10, 1);

    const places = ['--geojson', at('places.geojson'), '--k', '2'];
    const found = await run('search', at('g'), '--sar', at('patch.png'), ...places, ...FEW);
    expect(found.places.map(({ rank }: { rank: number }) => rank)).toEqual([1, 2]);
    const { features } = JSON.parse(readFileSync(at('places.geojson'), 'utf8'));
    expect(features).toHaveLength(2);
    const [ring] = features[0].geometry.coordinates;
    expect(ring).toHaveLength(5);
    expect(ring[0]).toEqual(ring[4]);
    for (const [longitude, latitude] of ring) {
      expect(longitude).toBeCloseTo(15, 0); // the middle of zone 33
      expect(latitude).toBeCloseTo(48.8, 0);
    }
    const [west, south, east, north] = info.scenes[1].bounds;
    const inside = await run(
      'search',
      at('g'),
      '--sar',
      at('patch.png'),
      `--bbox=${west},${south},${east},${north}`,
      ...FLAGS,
    );
    expect(new Set(inside.places.map(({ scene }: { scene: string }) => scene))).toEqual(new Set(['b.tif']));

    const measured = await run('evaluate', at('g'), at('data'), '--patches', '2', '--pooled', ...FEW);
    expect(measured).toMatchObject({ patches: 6, tiles: 108, pooled: { tiles: 12 } }); // 2 × 2 of each scene
    expect(measured.recall['10']).toBeGreaterThanOrEqual(measured.recall['1']);
  });

  it('says after Ctrl-C that finished scenes are kept', async () => {
    const signal = AbortSignal.abort();
    const words = [
      'gallery',
      'build',
      at('data'),
      '--out',
      at('stopped'),
      '--model',
      at('model.safetensors'),
      ...FLAGS,
    ];
    const { stdout, exitCode } = await runDoppel(words, signal);
    expect(exitCode).toBe(130);
    expect(stdout).toContain('the same command goes on');
  });

  it('refuses a patch of the gallery’s own sensor', async () => {
    await expect(runDoppel(['gallery', 'search', at('g'), '--optical', at('patch.png'), ...FLAGS])).rejects.toThrow(
      '--sar PATCH',
    );
  });
});
