import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withSceneThreads } from '../../packages/cli/src/commands/data/scene_threads.ts';
import type { SceneTask } from '../../packages/core/src/import/import_scene.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { tiffFile } from '../core/import/image_files.ts';
import { runDoppel } from './run_command.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const FAKE = new URL('./fake_scene_main.mjs', import.meta.url);

const store = new FileStore();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-threads-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function writeScenes(names: readonly string[]): Promise<void> {
  for (const [i, name] of names.entries()) {
    const place = { epsg: 32611, longitude: -118 + i / 40, latitude: 34, pixel: 10 };
    const value = (column: number, row: number, band = 0) => 50 + ((column * 7 + row * 13 + i * 31) % 100) + band;
    const [sar, optical] = [join(folder, 'in/sar', `${name}.tif`), join(folder, 'in/optical', `${name}.tif`)];
    await store.write(sar, await tiffFile({ width: 40, height: 40, place, value }));
    await store.write(optical, await tiffFile({ width: 40, height: 40, bands: 3, place, value }));
  }
}

const words = (out: string) => [
  'data',
  'import',
  'scenes',
  join(folder, 'in'),
  '--side',
  '16',
  '--out',
  join(folder, out),
  '--json',
];

describe('doppel data import scenes on several threads', () => {
  it.each([[[]], [['--windows']]])(
    'gives the data set of one thread, byte by byte %j',
    async (flags) => {
      await writeScenes(['a', 'b', 'B', 'c', 'd', 'e', 'f', 'g']);
      await runDoppel([...words('alone'), ...flags]);
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...words('threads'), ...flags]);
      expect(JSON.parse(stdout)).toMatchObject({ pairs: 32, groups: 8 });
      const filesOf = async (name: string) => {
        const all = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
        return all.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name).slice(folder.length));
      };
      const [alone, threads] = [await filesOf('alone'), await filesOf('threads')];
      expect(threads.map((path) => path.replace('/threads/', '/alone/')).sort()).toEqual(alone.sort());
      for (const path of alone) {
        const other = await readFile(join(folder, path.replace('/alone/', '/threads/')));
        expect(other.equals(await readFile(join(folder, path))), path).toBe(true);
      }
    },
    30_000,
  );

  it('reports the error of a scene as one thread does', async () => {
    await writeScenes(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await store.write(join(folder, 'in/sar/c.tif'), new Uint8Array(64));
    const failed = promisify(execFile)(process.execPath, [MAIN, ...words('out')]);
    await expect(failed).rejects.toMatchObject({ stderr: expect.stringMatching(/sar\/c\.tif: expected a GeoTIFF/) });
    expect(await readdir(folder)).toEqual(['in']);
  }, 30_000);
});

describe('withSceneThreads', () => {
  const task = (name: string): SceneTask => ({
    ...{ scene: { name, sar: `${name}.tif`, optical: `${name}.tif` }, stem: name, folder },
    options: { side: 16, stride: 16, grid: 'sar', maxNoData: 0 },
  });
  const run = <T>(work: Parameters<typeof withSceneThreads<T>>[1], signal = new AbortController().signal) =>
    withSceneThreads({ store, scenes: 20, signal }, work, FAKE);

  it('imports on the threads, and here what failed there or what a thread died of', async () => {
    await run(async (threads) => {
      const { part } = await threads!.import(task('plain'));
      expect(part.skipped).toEqual({ 'by-thread-plain': 1 });
      for (const name of ['fails', 'dies', 'dies too', 'dies again']) {
        await expect(threads!.import(task(name))).rejects.toThrow(`${name}.tif`); // there is no such file
      }
    });
  });

  it('ends what is under way on Ctrl-C', async () => {
    const controller = new AbortController();
    const stopped = run(async (threads) => {
      const all = Array.from({ length: 12 }, (_, i) => threads!.import(task(`waits ${i}`)));
      setTimeout(() => controller.abort(new Error('Ctrl-C')), 50);
      const ends = await Promise.allSettled(all);
      expect(ends.every((end) => end.status === 'rejected' && end.reason.message === 'Ctrl-C')).toBe(true);
      await threads!.import(task('plain'));
    }, controller.signal);
    await expect(stopped).rejects.toThrow('Ctrl-C');
  });

  it('starts no threads for few scenes', async () => {
    const signal = new AbortController().signal;
    expect(await withSceneThreads({ store, scenes: 2, signal }, async (threads) => threads, FAKE)).toBeUndefined();
  });
});
