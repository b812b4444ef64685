/** `doppel data align` on scenes whose optical part was shifted by known amounts. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { FormatError, StaleCacheError, UsageError } from '../../packages/core/src/errors.ts';
import { ALIGNMENT_FILE, readAlignment, shiftsOf } from '../../packages/core/src/localisation/alignment_file.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { tiffFile } from '../core/import/image_files.ts';
import { sceneImages } from '../core/localisation/synthetic_scene.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { nativeLoaders, runDoppel } from './run_command.ts';

const SIDE = 112;
/** Three scenes that were shifted, and one whose sensors saw different ground. */
const SHIFTS = { a: { row: 2, column: 1 }, b: { row: -3, column: 0.5 }, c: { row: 0, column: -4 } };

const store = new FileStore();
let folder: string;
const path = (...parts: string[]) => join(folder, ...parts);

async function writeScene(name: string, seeds: [sar: number, optical: number], shift: { row: number; column: number }) {
  const place = { epsg: 32611, longitude: -118 + seeds[0] / 10, latitude: 34, pixel: 10 };
  for (const [i, sensor] of (['sar', 'optical'] as const).entries()) {
    const { data } = sceneImages(seeds[i]!, SIDE, shift)[sensor];
    const value = (column: number, row: number) => data[row * SIDE + column]!;
    await store.write(path('in', sensor, `${name}.tif`), await tiffFile({ width: SIDE, height: SIDE, place, value }));
  }
}

const FLAGS = ['--side', '32', '--search', '7'];
const align = (templates: number, ...flags: string[]) =>
  runDoppel(
    ['data', 'align', path('data'), ...FLAGS, '--templates', String(templates), ...flags],
    undefined,
    nativeLoaders,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-align-'));
  for (const [i, [name, shift]] of Object.entries(SHIFTS).entries()) await writeScene(name, [i + 1, i + 1], shift);
  await writeScene('d', [4, 9], { row: 0, column: 0 });
  const make = ['data', 'import', 'scenes', path('in'), '--side', '32', '--unit', 'amplitude', '--windows'];
  await runDoppel([...make, '--out', path('data')]);
  const protocol = { split: { train: ['a', 'd'], validation: ['b'], test: ['c'] }, unused: [] };
  await writeFile(path('protocol.json'), JSON.stringify(protocol));
  await runDoppel(['data', 'split', path('data'), '--protocol', path('protocol.json')]);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('doppel data align', () => {
  it('writes the shift of each scene, and flags the one whose estimates disagree', async () => {
    const { stdout } = await align(9, '--json');
    const json = JSON.parse(stdout);
    expect(json).toMatchObject({
      check: 'halves',
      scenes: 4,
      accepted: 3,
      splits: { train: { scenes: 2, accepted: 1 } },
    });
    expect(json.flagged).toMatchObject([{ id: 'd' }]);
    expect(json.largest).toBeCloseTo(4, 0);

    const alignment = await readAlignment(store, await openDataset(store, path('data')));
    for (const [id, { row, column }] of Object.entries(SHIFTS)) {
      const shift = shiftsOf(alignment).get(id)!;
      expect(Math.hypot(shift.row - row, shift.column - column), id).toBeLessThan(0.6);
    }
    expect(shiftsOf(alignment).get('d')).toEqual({ row: 0, column: 0 });
    expect(alignment.settings).toEqual({ side: 32, search: 7, templates: 9, tolerance: 2 });
  });

  it('lets a matcher judge the scenes that it was not trained on', async () => {
    const made = path('demo');
    for (const name of ['155', '270']) {
      for (const sensor of ['sar', 'optical']) {
        await cp(`data/demo/${sensor}/${name}.tif`, path('two', sensor, `${name}.tif`));
      }
    }
    const make = ['data', 'import', 'scenes', path('two'), '--side', '64', '--unit', 'amplitude', '--windows'];
    await runDoppel([...make, '--out', made]);
    const flags = ['--side', '64', '--search', '8', '--templates', '4', '--matcher', 's1s2-10m', '--json'];
    const { stdout } = await runDoppel(['data', 'align', made, ...flags], undefined, nativeLoaders);
    expect(JSON.parse(stdout)).toMatchObject({ check: 'mixed', scenes: 2 });
    const { scenes } = await readAlignment(store, await openDataset(store, made));
    const judges = (id: string) => scenes.find((scene) => scene.id === id)!.estimates.map(({ by }) => by);
    expect(judges('270')).toEqual(['gradients', 'matcher']); // of the test split
    expect(judges('155')).toEqual(['gradients-even', 'gradients-odd']); // of the training split
  }, 120_000);

  it('says it in words', async () => {
    const { stdout } = await align(9);
    expect(stdout).toContain('train: 1 of 2 scenes agreed');
    expect(stdout).toContain('raw alignment is kept: d (');
    expect(stdout).toContain('two halves of the templates only');
  });

  it('writes nothing after Ctrl-C', async () => {
    await rm(path('data', ALIGNMENT_FILE), { force: true });
    const { exitCode } = await runDoppel(['data', 'align', path('data'), ...FLAGS], AbortSignal.abort(), nativeLoaders);
    expect(exitCode).toBe(130);
    expect(await store.stat(path('data', ALIGNMENT_FILE))).toBeUndefined();
  });

  it('needs scenes', async () => {
    await writeSyntheticDataset(store, path('patches'));
    await expect(runDoppel(['data', 'align', path('patches')])).rejects.toThrow(UsageError);
  });
});

describe('readAlignment', () => {
  it('refuses one of other data, and one that is invalid', async () => {
    const dataset = await openDataset(store, path('data'));
    const file = path('data', ALIGNMENT_FILE);
    await align(2);
    const text = await readFile(file, 'utf8');
    await expect(readAlignment(store, { ...dataset, fingerprint: `v2:${'0'.repeat(64)}:x` })).rejects.toThrow(
      StaleCacheError,
    );
    await writeFile(file, text.replace('"accepted":true', '"accepted":"yes"'));
    await expect(readAlignment(store, dataset)).rejects.toThrow(FormatError);
  });
});
