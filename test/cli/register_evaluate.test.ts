/** `doppel register evaluate` on made scenes: what goes on in a folder, and what is refused there. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { tiffFile } from '../core/import/image_files.ts';
import { sceneImages } from '../core/localisation/synthetic_scene.ts';
import { runDoppel } from './run_command.ts';

const SIDE = 224;
const HERE = { epsg: 32611, longitude: -118, latitude: 34, pixel: 10 };

const store = new FileStore();
let folder: string;
const path = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-register-evaluate-'));
  for (const [seed, id] of ['a', 'b', 'c'].entries()) {
    const images = sceneImages(seed + 3, SIDE, { row: 0, column: 0 });
    for (const sensor of ['sar', 'optical'] as const) {
      const value = (column: number, row: number) => images[sensor].data[row * SIDE + column]!;
      await store.write(path(sensor, `${id}.tif`), await tiffFile({ width: SIDE, height: SIDE, place: HERE, value }));
    }
  }
  const split = { train: [], validation: ['c'], test: ['a', 'b'] };
  await store.write(path('protocol.json'), JSON.stringify({ name: 'made', crs: 'EPSG:32611', split }));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const FAST = ['--backend', 'wasm', '--raw-truth', '--tasks', 'different places', '--baselines', 'CFOG', '--json'];
const evaluate = (out: string, features: string, ...flags: string[]) =>
  runDoppel(['register', 'evaluate', folder, '--out', path(out), '--features', features, ...FAST, ...flags]);
const rows = () => readFile(path('out', 'rows.jsonl'), 'utf8');

describe('doppel register evaluate', () => {
  it('goes on in a folder with the settings that it began with, and with no others', { timeout: 240_000 }, async () => {
    const first = await evaluate('out', 'gradients');
    expect(JSON.parse(first.stdout)).toMatchObject({ split: 'test', scenes: 2, registrations: 2 });
    const before = await rows();
    expect(JSON.parse((await evaluate('out', 'gradients')).stdout)).toMatchObject({ registrations: 2 });
    expect(await rows()).toBe(before);
    for (const flags of ['--views 2', '--seed 2', '--split validation']) {
      const other = evaluate('out', 'gradients', ...flags.split(' '));
      await expect(other, flags).rejects.toThrow('the settings it began with');
      await expect(other, flags).rejects.toThrow(UsageError);
    }
    await expect(evaluate('out', 'both')).rejects.toThrow(/began with, .*found .*"matcher"/); // none before
    expect(await rows()).toBe(before);
  });

  it('refuses rows of which nothing says the settings', async () => {
    await store.write(path('older', 'rows.jsonl'), '');
    await expect(evaluate('older', 'gradients')).rejects.toThrow('rows.jsonl without them');
  });
});
