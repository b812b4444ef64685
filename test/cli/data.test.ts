import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildFolder } from '../../packages/cli/src/commands/data/build_folder.ts';
import { momentsOf } from '../../packages/core/src/base/moments.ts';
import { openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { FileError, FormatError, SplitError, UsageError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { matFile, pngFile, tiffFile } from '../core/import/image_files.ts';
import { sharedFolder } from '../shared.ts';
import { runDoppel } from './run_command.ts';

const store = new FileStore();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-data-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `doppel data …words` with flags; the JSON it prints. */
async function doppelData(words: string, ...flags: string[]) {
  const { stdout, exitCode } = await runDoppel(['data', ...words.split(' '), ...flags, '--json']);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  return { ...JSON.parse(stdout), exitCode };
}

const path = (...parts: string[]) => join(folder, ...parts);

/** Four places, 2 km from one another, 2 × 2 patches each. */
async function writeScenes(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const place = { epsg: 32611, longitude: -118 + i / 40, latitude: 34, pixel: 10 };
    const value = (column: number, row: number, band = 0) => 50 + ((column * 7 + row * 13 + i * 31) % 100) + band;
    await store.write(path('in/sar', `${i}.tif`), await tiffFile({ width: 32, height: 32, place, value }));
    await store.write(
      path('in/optical', `${i}.tif`),
      await tiffFile({ width: 32, height: 32, bands: 3, place, value }),
    );
  }
  await store.write(path('in/ATTRIBUTION.txt'), 'Made by a test\n');
  await store.write(path('in/LICENSE'), 'Free');
}

describe('doppel data import scenes', () => {
  beforeEach(writeScenes);
  const importAll = (...flags: string[]) =>
    doppelData('import scenes', path('in'), '--side', '16', '--unit', 'amplitude', '--out', path('out'), ...flags);

  it('makes a data set of a folder of scenes, and takes terms along', async () => {
    const json = await importAll();
    expect(json).toMatchObject({ folder: path('out'), pairs: 16, groups: 4, side: 16, skipped: {} });
    const dataset = await openDataset(store, path('out'));
    expect(dataset.header).toMatchObject({ sar: { unit: 'amplitude' }, attribution: 'Made by a test' });
    expect((await readdir(path('out'))).sort()).toEqual(['ATTRIBUTION.txt', 'LICENSE', 'pairs.jsonl', 'patches']);
    expect((await readdir(folder)).sort()).toEqual(['in', 'out']);
  });

  it('takes one pair of scenes, or those of a manifest', async () => {
    const one = [
      '--sar',
      path('in/sar/1.tif'),
      '--optical',
      path('in/optical/1.tif'),
      '--side',
      '16',
      '--out',
      path('one'),
    ];
    expect(await doppelData('import scenes', ...one, '--scene-name', 'la', '--optical-bands', '3,2,1')).toMatchObject({
      pairs: 4,
      groups: 1,
    });
    expect((await openDataset(store, path('one'))).records[0]!.group).toBe('la');
    await store.write(
      path('in/scenes.csv'),
      'id,sar,optical\nfirst,sar/0.tif,optical/0.tif\nsecond,sar/1.tif,optical/1.tif\n',
    );
    const many = await doppelData(
      'import scenes',
      '--manifest',
      path('in/scenes.csv'),
      '--side',
      '16',
      '--out',
      path('many'),
    );
    expect(many).toMatchObject({ pairs: 8, groups: 2 });
    await store.write(path('in/twice.csv'), 'sar,optical\nsar/0.tif,optical/0.tif\nsar/0.tif,optical/1.tif\n');
    const twice = doppelData('import scenes', '--manifest', path('in/twice.csv'), '--out', path('twice'));
    await expect(twice).rejects.toThrow(/twice\.csv, line 3: .*"0", the name of line 2/);
  });

  it('replaces a data set only when told to, and nothing else ever', async () => {
    await importAll();
    const before = await stat(path('out/pairs.jsonl'));
    await expect(importAll()).rejects.toThrow(UsageError);
    await expect(importAll()).rejects.toThrow(/--force/);
    expect((await stat(path('out/pairs.jsonl'))).mtimeMs).toBe(before.mtimeMs);
    expect(await importAll('--force', '--stride', '8')).toMatchObject({ pairs: 36 });
    expect((await openDataset(store, path('out'))).records).toHaveLength(36);
    const intoOther = doppelData('import scenes', path('in'), '--side', '16', '--out', path('in'), '--force');
    await expect(intoOther).rejects.toThrow(/a folder with other files/);
    expect((await readdir(folder)).sort()).toEqual(['in', 'out']);
  });

  it('leaves nothing behind when it fails or is interrupted, and the former data set whole', async () => {
    await importAll();
    const former = await readFile(path('out/pairs.jsonl'));
    await store.write(path('in/sar/3.tif'), (await store.read(path('in/sar/3.tif'))).slice(0, 200));
    await expect(importAll('--force')).rejects.toThrow(FormatError);
    await expect(importAll('--force')).rejects.toThrow(/in\/sar\/3\.tif/);
    const { exitCode, stdout } = await runDoppel(
      ['data', 'import', 'scenes', path('in'), '--side', '16', '--out', path('other'), '--json'],
      AbortSignal.abort(),
    );
    expect([exitCode, JSON.parse(stdout)]).toEqual([130, { interrupted: true }]);
    expect((await readdir(folder)).sort()).toEqual(['in', 'out']);
    expect(await readFile(path('out/pairs.jsonl'))).toEqual(former);
  });

  it.each([
    [['--side', '4'], /--side.*at least 8, found "4"/],
    [['--side', '16.5'], /whole number/],
    [['--unit', 'decibel'], /--unit: expected one of dB, .*found "decibel"/],
    [['--optical-bands', '1,2'], /--optical-bands/],
    [['--sar-band', '0'], /--sar-band/],
    [['--max-no-data', '1.5'], /--max-no-data/],
    [['--resolution', '-1'], /--resolution/],
    [['--sar', 'x.tif'], /either a folder, or --sar and --optical, or --manifest/],
    [['--unit', '--json'], /a value after --unit, found the flag --json/],
  ])('refuses %j as wrong usage', async (flags, message) => {
    const found = doppelData('import scenes', path('in'), '--out', path('out'), ...flags);
    await expect(found).rejects.toThrow(UsageError);
    await expect(found).rejects.toThrow(message);
  });

  it('names a scene without counterpart, and a folder that is not there', async () => {
    await rm(path('in/optical/2.tif'));
    await expect(importAll()).rejects.toThrow(/"sar\/2\.tif" alone/);
    await expect(doppelData('import scenes', path('nowhere'), '--out', path('out'))).rejects.toThrow(FileError);
  });

  it('brings the former data set back where the new one cannot take its place', async () => {
    await importAll();
    const former = await readFile(path('out/pairs.jsonl'));
    class Stubborn extends FileStore {
      override rename(from: string, to: string): Promise<void> {
        return from.includes('.unfinished-') ? Promise.reject(new Error('no')) : super.rename(from, to);
      }
    }
    const build = async (unfinished: string) => store.write(join(unfinished, 'pairs.jsonl'), 'new');
    await expect(buildFolder(new Stubborn(), path('out'), true, build)).rejects.toThrow('no');
    expect(await readFile(path('out/pairs.jsonl'))).toEqual(former);
    expect((await readdir(folder)).sort()).toEqual(['in', 'out']);
  });

  it('refuses to replace what another import made meanwhile', async () => {
    const build = async (unfinished: string) => {
      await store.write(join(unfinished, 'pairs.jsonl'), 'slow');
      await store.write(path('out/pairs.jsonl'), 'quick');
    };
    await expect(buildFolder(store, path('out'), false, build)).rejects.toThrow(/found a data set.*--force/);
    expect(await readFile(path('out/pairs.jsonl'), 'utf8')).toBe('quick');
    expect((await readdir(folder)).sort()).toEqual(['in', 'out']);
  });

  it('reads manifests as spreadsheets and people write them', async () => {
    const manifests = {
      'bom.csv': '\uFEFFid,sar,optical\r\nx,sar/0.tif,optical/0.tif\r\n',
      'semicolons.csv': 'id;sar;optical\nx;"sar/0.tif";optical/0.tif\n',
      'tabs.tsv': 'id\tsar\toptical\nx\tsar/0.tif\toptical/0.tif\n',
      'blanks.csv': ' id , sar , optical \n x , sar/0.tif , "optical/0.tif" \n',
      'windows.csv': 'id,sar,optical\nx,sar\\0.tif,.\\optical\\0.tif\n',
    };
    for (const [name, text] of Object.entries(manifests)) {
      await store.write(path('in', name), text);
      const out = path(`of ${name}`);
      await doppelData('import scenes', '--manifest', path('in', name), '--side', '16', '--out', out);
      expect((await openDataset(store, out)).records[0]!.group).toBe('x');
    }
    await store.write(path('in/blank_id.csv'), 'id,sar,optical\n ,sar/0.tif,optical/0.tif\n,sar/1.tif,optical/1.tif\n');
    const json = await doppelData(
      'import scenes',
      '--manifest',
      path('in/blank_id.csv'),
      '--side',
      '16',
      '--out',
      path('b'),
    );
    expect(json.groups).toBe(2);
    await store.write(path('in/outside.csv'), 'sar,optical\n/etc/a.tif,optical/0.tif\n');
    const outside = doppelData('import scenes', '--manifest', path('in/outside.csv'), '--out', path('c'));
    await expect(outside).rejects.toThrow(
      /a path inside the folder of the manifest, relative to it, found "\/etc\/a\.tif"/,
    );
  });

  it('keeps apart the places of ids that come to one path', async () => {
    await store.write(path('in/m.csv'), 'id,sar,optical\nA,sar/0.tif,optical/0.tif\n./A,sar/1.tif,optical/1.tif\n');
    await doppelData('import scenes', '--manifest', path('in/m.csv'), '--side', '16', '--out', path('out'));
    const dataset = await openDataset(store, path('out'));
    const [first, second] = [await dataset.readSar(0), await dataset.readSar(4)];
    expect(first.data[0]).not.toBe(second.data[0]);
  });

  it('takes no-data values as flags, and refuses guesses where it is strict', async () => {
    const some = await importAll('--no-data', '50,51', '--optical-no-data=-9999', '--max-no-data', '0.5', '--strict');
    const { made } = (await openDataset(store, path('out'))).header;
    expect(made).toMatchObject({ noData: [50, 51], opticalNoData: [-9999], unit: 'amplitude' });
    expect(some.guesses).toBeUndefined();
    const guessed = await doppelData('import scenes', path('in'), '--side', '16', '--out', path('guessed'));
    expect(guessed.guesses).toEqual([
      expect.stringMatching(/sar\/0\.tif and 3 more: nothing says what the SAR samples/),
    ]);
    const strict = doppelData('import scenes', path('in'), '--side', '16', '--out', path('strict'), '--strict');
    await expect(strict).rejects.toThrow(/nothing to guess, as --strict asks/);
  });

  it('says so where it cannot write', async () => {
    const below = doppelData('import scenes', path('in'), '--side', '16', '--out', path('in/LICENSE/out'));
    await expect(below).rejects.toThrow(FileError);
    await expect(below).rejects.toThrow(/write .*LICENSE.*a file where a folder should be/);
  });
});

describe('doppel data import folder and sarptical', () => {
  it('imports patches by their names', async () => {
    for (const name of ['a', 'b']) {
      await store.write(
        path('in/s1', `${name}.png`),
        pngFile(16, 1, (pixel) => pixel % 91),
      );
      await store.write(
        path('in/s2', `${name}.png`),
        pngFile(16, 3, (pixel) => pixel % 83),
      );
    }
    const json = await doppelData(
      'import folder',
      path('in'),
      '--unit',
      'amplitude',
      '--attribution',
      'me',
      '--out',
      path('out'),
    );
    expect(json).toMatchObject({ pairs: 2, groups: 2, side: 16, sar: { unit: 'amplitude' } });
    expect((await openDataset(store, path('out'))).header.attribution).toBe('me');
    const wrong = (...flags: string[]) => doppelData('import folder', path('in'), '--out', path('x'), ...flags);
    await expect(wrong('--sar-pattern', '(')).rejects.toThrow(UsageError);
    await expect(wrong('--sar-pattern', 'a')).rejects.toThrow(/with a group.*"a" \(captures nothing\)/);
    await expect(wrong('--sar-pattern', '(a)')).rejects.toThrow(/one of them/);
  });

  it('imports SARptical, with coordinates', async () => {
    for (const id of [1, 2]) {
      await store.write(
        path('in', `point_${id}_ampPatch.mat`),
        matFile('ampCrop', 16, 16, (row, column) => row - column - 20),
      );
      await store.write(
        path('in', `point_${id}_view.png`),
        pngFile(16, 1, (pixel) => pixel % 77),
      );
    }
    await store.write(path('points.csv'), 'id,x,y\n1,390000,5820000\n2,390010,5820000\n');
    const flags = ['--coordinates', path('points.csv'), '--crs', 'EPSG:32633', '--out', path('out')];
    expect(await doppelData('import sarptical', path('in'), ...flags)).toMatchObject({ pairs: 2, groups: 2, side: 16 });
    await expect(doppelData('split', path('out'))).rejects.toThrow(
      /1 place\(s\) of 2 groups \(point_1, point_2 share .*\), and nothing left/,
    ); // they overlap
    await store.write(path('points.csv'), 'id,x,y\n1,390000\n');
    await expect(doppelData('import sarptical', path('in'), ...flags, '--force')).rejects.toThrow(
      /points\.csv, line 2/,
    );
    await expect(doppelData('import sarptical', path('in'), '--crs', 'EPSG:32633', '--out', path('x'))).rejects.toThrow(
      UsageError,
    );
  });
});

describe('doppel data split and inspect', () => {
  beforeEach(async () => {
    await writeScenes();
    await doppelData('import scenes', path('in'), '--side', '16', '--out', path('out'));
  });

  it('splits by place, the same for the same seed', async () => {
    const flags = ['--train', '0.5', '--validation', '0.25', '--test', '0.25', '--seed', '5'];
    const { splits } = await doppelData('split', path('out'), ...flags);
    expect(splits).toMatchObject({
      train: { pairs: 8, groups: 2 },
      validation: { pairs: 4 },
      test: { pairs: 4 },
      unused: { pairs: 0 },
    });
    const first = await readFile(path('out/splits.json'));
    await doppelData('split', path('out'), ...flags);
    expect(await readFile(path('out/splits.json'))).toEqual(first);
  });

  it('splits by a protocol, which must fit', async () => {
    const write = (value: unknown) =>
      store.write(path('p.json'), typeof value === 'string' ? value : JSON.stringify(value));
    await write({ name: 'x', split: { train: ['0'], validation: ['1'], test: ['2', '77'] }, unused: ['3'] });
    const { splits } = await doppelData('split', path('out'), '--protocol', path('p.json'));
    expect(splits).toMatchObject({ test: { pairs: 4, groups: 1 }, unused: { groups: 1 } });
    expect((await openDataset(store, path('out'))).indicesOf('test')).toHaveLength(4);
    await expect(doppelData('split', path('out'), '--protocol', path('p.json'), '--seed', '1')).rejects.toThrow(
      UsageError,
    );
    await write({ split: { train: ['0'], validation: ['1'], test: ['2'] } });
    await expect(doppelData('split', path('out'), '--protocol', path('p.json'))).rejects.toThrow(SplitError);
    await write({ split: { train: '0' } });
    await expect(doppelData('split', path('out'), '--protocol', path('p.json'))).rejects.toThrow(FormatError);
    await write('{');
    await expect(doppelData('split', path('out'), '--protocol', path('p.json'))).rejects.toThrow(/p\.json.*no JSON/);
    // What was there before is as it was.
    expect((await openDataset(store, path('out'))).indicesOf('test')).toHaveLength(4);
  });

  it('inspects: counts as JSON, a sheet, an audit', async () => {
    await doppelData('split', path('out'), '--train', '0.5', '--validation', '0.25', '--test', '0.25');
    const json = await doppelData('inspect', path('out'), '--out', path('look'), '--sheet-pairs', '6', '--reach', '3');
    expect(json).toMatchObject({
      pairs: 16,
      groups: 4,
      side: 16,
      splits: { train: { pairs: 8 } },
      sar: { min: 50, bands: 1 },
      optical: { bands: 3 },
    });
    expect(json.onSheet).toHaveLength(6);
    const sheet = decode(await store.read(json.files.sheet));
    expect([sheet.width, sheet.channels]).toEqual([16 + 4 * (2 * 128 + 2 + 16), 3]);
    const lines = (await readFile(json.files.audit, 'utf8')).trimEnd().split('\n').filter(Boolean);
    expect(lines).toHaveLength(json.audit.suspicious);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('reason');
    expect(await doppelData('inspect', path('out'))).not.toHaveProperty('files');
    await expect(doppelData('inspect', path('nowhere'))).rejects.toThrow(FileError);
  });
});

const shared = sharedFolder();
describe.skipIf(!shared)('on real files of the shared folder (skipped where it is absent)', () => {
  it('imports scenes in decibels, five UTM zones and twelve bands', async () => {
    const bands = ['--unit', 'dB', '--sar-band', '1', '--optical-bands', '4,3,2'];
    const from = join(shared!, 'data/geotiff/terramind');
    const json = await doppelData('import scenes', from, '--side', '64', ...bands, '--out', path('out'));
    expect(json).toMatchObject({ groups: 5, sar: { unit: 'dB' }, optical: { bands: 3 } });
    expect(json.pairs).toBeGreaterThanOrEqual(5);
    const dataset = await openDataset(store, path('out'));
    const systems = new Set(dataset.records.map(({ footprint }) => footprint!.crs));
    expect(systems.size).toBe(5);
    for (const crs of systems) expect(crs).toMatch(/^EPSG:32[67]\d\d$/);
    const { sar } = await dataset.read(0);
    expect(sar.data.every((value) => value > -80 && value < 40)).toBe(true);
    const { splits } = await doppelData('split', path('out'), '--train', '0.6', '--validation', '0.2', '--test', '0.2');
    expect(splits).toMatchObject({ train: { groups: 3 }, validation: { groups: 1 }, test: { groups: 1 } });
  });

  it('imports a scene of the demo kind', async () => {
    const scene = (kind: string) => join(shared!, 'data/sentinel', kind, '003.tif');
    const flags = ['--sar', scene('sar'), '--optical', scene('optical'), '--side', '128', '--unit', 'amplitude'];
    expect(await doppelData('import scenes', ...flags, '--out', path('out'))).toMatchObject({ pairs: 64, skipped: {} });
    const { optical } = await (await openDataset(store, path('out'))).read(10);
    const deviation = (band: number) => momentsOf(optical.data.filter((_, i) => i % 3 === band)).std;
    // Red, green and blue vary alike; the colour differences of a JPEG (Cb, Cr) hardly vary.
    for (const band of [1, 2]) expect(deviation(band)).toBeGreaterThan(deviation(0) / 2);
  });
});
