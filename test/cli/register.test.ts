/** `doppel register` on made scenes: the SAR scene of discs, and the optical one stated some pixels off its place. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { REASONS } from '../../packages/core/src/registration/registration.ts';
import { pngFile, tiffFile } from '../core/import/image_files.ts';
import { sceneImages } from '../core/localisation/synthetic_scene.ts';
import { runDoppel } from './run_command.ts';

const [SIDE, PIXEL] = [224, 10];
const SHIFT = { row: -4, column: 6 };
const HERE = { epsg: 32611, longitude: -118, latitude: 34, pixel: PIXEL };

const store = new FileStore();
let folder: string;
const path = (...parts: string[]) => join(folder, ...parts);

async function writeImage(name: string, data: Float32Array, place = HERE): Promise<void> {
  const value = (column: number, row: number) => data[row * SIDE + column]!;
  await store.write(path(name), await tiffFile({ width: SIDE, height: SIDE, place, value }));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-register-'));
  const { sar, optical } = sceneImages(3, SIDE, SHIFT);
  await writeImage('sar.tif', sar.data);
  await writeImage('optical.tif', optical.data);
  await writeImage('other.tif', sceneImages(4, SIDE, SHIFT).optical.data);
  await store.write(
    path('unplaced.png'),
    pngFile(SIDE, 1, (pixel) => optical.data[pixel]!),
  );
  await writeImage('far.tif', optical.data, { ...HERE, latitude: 36 });
  await writeImage(
    'even.tif',
    optical.data.map(() => 9),
  );
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const FAST = '--backend wasm --features gradients --side 64 --search 16 --cells 4 --radius 16px'.split(' ');
const register = (sar: string, optical: string, out: string, ...flags: string[]) =>
  runDoppel(['register', '--sar', path(sar), '--optical', path(optical), '--out', path(out), ...FAST, ...flags]);
const left = async () =>
  (await readdir(folder)).filter((name) => name.includes('.unfinished') || name.includes('.older'));

describe('doppel register', () => {
  it('replaces a folder as a whole by force, and prints one JSON object', { timeout: 240_000 }, async () => {
    await mkdir(path('good'));
    await writeFile(path('good', 'older.txt'), 'older');
    const { stdout, exitCode, log } = await register('sar.tif', 'optical.tif', 'good', '--json', '--force');
    const json = JSON.parse(stdout);
    expect(Object.keys(json)).toEqual(
      'status caveats model matrix points quality intervals files seconds backend matcher'.split(' '),
    );
    expect(json).toMatchObject({ status: 'trusted', backend: 'wasm', matcher: null });
    expect(exitCode).toBe(0);
    expect(Object.keys(json.points).sort()).toEqual([...REASONS].sort());
    expect(Object.keys(json.quality).sort()).toEqual(['biasX', 'biasY', 'ce90', 'heldOut', 'rmseX', 'rmseY', 'unit']);
    const [[a, b, x], [c, d, y], last] = json.matrix;
    expect(x + (a + b) * (SIDE / 2)).toBeCloseTo(SIDE / 2 - SHIFT.column, 0);
    expect(y + (c + d) * (SIDE / 2)).toBeCloseTo(SIDE / 2 - SHIFT.row, 0);
    expect(last).toEqual([0, 0, 1]);
    for (const file of Object.values<string>(json.files)) expect(await store.stat(file), file).toBeDefined();
    expect((await readdir(path('good'))).sort()).toEqual(
      Object.values<string>(json.files)
        .map((file) => file.slice(path('good').length + 1))
        .sort(),
    );
    expect(JSON.parse(await readFile(path('good', 'summary.json'), 'utf8'))).toEqual(json);
    expect(await readFile(path('good', 'report.html'), 'utf8')).toContain('--radius 16px');
    expect(log.join()).toMatch(/coarse search: .* steps[\s\S]*points: .* cells/);
    expect(await left()).toEqual([]);
  });

  it('refuses a folder that holds files', async () => {
    await mkdir(path('filled'));
    await writeFile(path('filled', 'mine.txt'), 'mine');
    await expect(register('sar.tif', 'optical.tif', 'filled')).rejects.toThrow('a folder that holds files');
    expect(await readdir(path('filled'))).toEqual(['mine.txt']);
  });

  it('refuses scenes of different places with exit code 1, and writes no aligned scene', {
    timeout: 240_000,
  }, async () => {
    const { stdout, exitCode } = await register('sar.tif', 'other.tif', 'refused', '--json');
    const json = JSON.parse(stdout);
    expect(exitCode).toBe(1);
    expect(json.status).toBe('refused');
    expect(json.reason).toMatch(/\w/);
    expect(json.files.aligned).toBeUndefined();
    expect(JSON.parse(await readFile(path('refused', 'transform.json'), 'utf8'))).toMatchObject({ status: 'refused' });
    expect(await readFile(path('refused', 'report.html'), 'utf8')).toContain('Refused: ');
  });

  it.each([
    ['the same file twice', 'sar.tif', 'sar.tif', [], /the same file twice/],
    ['no common ground', 'sar.tif', 'far.tif', [], /no overlap.*--radius scene/s],
    ['no place on the ground', 'sar.tif', 'unplaced.png', [], /gdal_edit\.py -a_srs/],
    ['a scene of one value', 'sar.tif', 'even.tif', [], /the value 9 only/],
    ['a radius beyond the overlap', 'sar.tif', 'optical.tif', ['--radius=900px'], /--radius scene/],
    ['a band that is not there', 'sar.tif', 'optical.tif', ['--sar-band', '2'], /band 2 of a file with 1 band/],
    ['a wrong unit', 'sar.tif', 'optical.tif', ['--sar-unit', 'dB'], /--sar-unit amplitude/],
    ['a radius that is no length', 'sar.tif', 'optical.tif', ['--radius=5 miles'], /a length such as 64px or 600m/],
    ['a rotation that is no angle', 'sar.tif', 'optical.tif', ['--rotation', '90'], /at most 15/],
  ])('names %s, and writes nothing', async (_, sar, optical, flags, message) => {
    const run = runDoppel([
      'register',
      '--sar',
      path(sar),
      '--optical',
      path(optical),
      '--out',
      path('bad'),
      ...FAST.slice(0, -2),
      ...flags,
    ]);
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toThrow(UsageError);
    expect(await store.stat(path('bad'))).toBeUndefined();
    expect(await left()).toEqual([]);
  });

  it('finds out before the work that a folder cannot be written', async () => {
    await writeFile(path('taken'), 'a file');
    await expect(register('sar.tif', 'optical.tif', 'taken/inside')).rejects.toThrow('a file where a folder should be');
    expect(await readFile(path('taken'), 'utf8')).toBe('a file');
  });

  it('leaves nothing after Ctrl-C', async () => {
    const words = ['register', '--sar', path('sar.tif'), '--optical', path('optical.tif'), '--out', path('stopped')];
    const { exitCode, stdout } = await runDoppel([...words, ...FAST], AbortSignal.abort());
    expect([exitCode, stdout]).toEqual([130, 'interrupted; nothing was written\n']);
    expect(await store.stat(path('stopped'))).toBeUndefined();
    expect(await left()).toEqual([]);
  });
});

describe('doppel register batch', () => {
  const batch = (manifest: string, out: string, ...flags: string[]) =>
    runDoppel(['register', 'batch', path(manifest), '--out', path(out), ...FAST, '--align', 'none', ...flags]);

  beforeAll(async () => {
    const rows = [
      'sar,optical,id,date',
      'sar.tif,optical.tif,a,2020-01-03',
      'sar.tif,other.tif,b,2020-02-03',
      'sar.tif,missing.tif,c,2020-03-03',
    ];
    await writeFile(path('pairs.csv'), rows.join('\n'));
  });

  it('has a row for a pair that failed by what might have passed, too', async () => {
    await writeFile(path('trouble.csv'), 'sar,optical,id\nsar.tif,optical.tif,troubled');
    const { readRange } = FileStore.prototype;
    const broken = vi.spyOn(FileStore.prototype, 'readRange').mockImplementation(function (
      this: FileStore,
      file,
      ...at
    ) {
      return file.endsWith('sar.tif') ? Promise.reject(new Error('no luck')) : readRange.call(this, file, ...at);
    });
    try {
      const { stdout, exitCode } = await batch('trouble.csv', 'trouble', '--json');
      expect(JSON.parse(stdout)).toMatchObject({ pairs: 1, trusted: 0, failed: 1 });
      expect(exitCode).toBe(1);
      expect(await readFile(path('trouble', 'summary.csv'), 'utf8')).toContain('no luck');
    } finally {
      broken.mockRestore();
    }
  });

  it('gives a row for each pair, and takes up finished ones when it is run again', { timeout: 480_000 }, async () => {
    const first = await batch('pairs.csv', 'batch', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ pairs: 3, trusted: 1, refused: 1, failed: 1, resumed: 0 });
    expect(first.exitCode).toBe(1);
    const table = (await readFile(path('batch', 'summary.csv'), 'utf8')).trim().split('\n');
    expect(table[0]).toMatch(/^id,sar,optical,date,status,reason,error,/);
    expect(table.slice(1).map((line) => line.split(',')[0])).toEqual(['a', 'b', 'c']);
    expect(table[3]).toContain('nothing there');
    expect((await readdir(path('batch'))).sort()).toEqual([
      'a',
      'b',
      'batch.json',
      'plan',
      'plan.json',
      'results',
      'runners',
      'summary.csv',
      'summary.jsonl',
    ]);

    const again = await batch('pairs.csv', 'batch', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ pairs: 3, resumed: 2 });
    await expect(batch('pairs.csv', 'batch', '--seed', '7')).rejects.toThrow('the settings it began with');

    // An older doppel left folders of pairs and batch.json only.
    for (const name of ['plan', 'plan.json', 'results', 'runners']) await store.remove(path('batch', name));
    const older = await batch('pairs.csv', 'batch', '--json');
    expect(JSON.parse(older.stdout)).toMatchObject({ pairs: 3, trusted: 1, refused: 1, failed: 1, resumed: 2 });

    const { stdout, exitCode } = await runDoppel(['register', 'qa', path('batch'), '--tolerance', '20', '--json']);
    const judged = JSON.parse(stdout);
    expect(judged.scenes).toMatchObject([{ id: 'a', date: '2020-01-03', verdict: 'biased' }]);
    expect(judged.scenes[0].bias[0]).toBeCloseTo(SHIFT.column * PIXEL, -1);
    expect(judged.leftOut.map(({ id }: { id: string }) => id)).toEqual(['b', 'c']);
    expect(exitCode).toBe(1);
  });

  it('keeps its summary after Ctrl-C', async () => {
    const run = ['register', 'batch', path('pairs.csv'), '--out', path('stopped-batch'), ...FAST];
    const { exitCode, stdout } = await runDoppel(run, AbortSignal.abort());
    expect(exitCode).toBe(130);
    expect(stdout).toContain('the same command goes on with the others');
    expect(await readFile(path('stopped-batch', 'summary.jsonl'), 'utf8')).toBe('');
  });

  it('never writes into a folder of something else', async () => {
    await mkdir(path('foreign'), { recursive: true });
    await writeFile(path('foreign', 'mine.txt'), 'mine');
    await expect(batch('pairs.csv', 'foreign')).rejects.toThrow('a folder that holds other files');
  });

  const qa = async (name: string, rows: object[], ...flags: string[]) => {
    await mkdir(path(name), { recursive: true });
    const lines = rows.map((row) => JSON.stringify({ sar: 's', optical: 'o', ...row }));
    await writeFile(path(name, 'summary.jsonl'), lines.join('\n'));
    return runDoppel(['register', 'qa', path(name), ...flags]);
  };

  it('needs dates to judge a series, but not of every pair', async () => {
    await expect(qa('undated', [{ id: 'a', status: 'refused' }])).rejects.toThrow('a date for each pair');
    const refused = { id: 'a', status: 'refused', date: '2020-01-03' };
    const { stdout, exitCode } = await qa('partly', [refused, { id: 'b', status: 'failed', error: 'Cannot read b' }]);
    expect(stdout).toContain('left out: b (no date; Cannot read b)');
    expect(exitCode).toBe(1);
  });

  it('prints no figures of a series of which no scene could be judged', async () => {
    const rows = [{ id: 'a', status: 'refused', date: '2020-01-03' }];
    expect((await qa('unjudged', rows)).stdout).toBe('no scene could be judged\nleft out: a (refused)\n');
    expect(JSON.parse((await qa('unjudged', rows, '--json')).stdout).median).toBeNull();
  });

  it('tells the folder of a single registration from that of a batch', async () => {
    await mkdir(path('single'), { recursive: true });
    await writeFile(path('single', 'summary.json'), '{}');
    await expect(runDoppel(['register', 'qa', path('single')])).rejects.toThrow('that of a single registration');
  });
});

describe('the manifest of a batch', () => {
  const listed = async (name: string, content: unknown) => {
    await writeFile(path(name), typeof content === 'string' ? content : JSON.stringify(content));
    const { readPairs } = await import('../../packages/cli/src/pair_list.ts');
    return readPairs(store, path(name), { sarAsset: 'sar', opticalAsset: 'optical' });
  };
  const item = (id: string) => ({
    ...{ type: 'Feature', id, properties: { datetime: '2020-01-03T00:00:00Z' } },
    assets: { sar: { href: `./${id}/vh.tif` }, optical: { href: `${id}/rgb.tif` } },
  });

  it('names pairs after their files', async () => {
    const pairs = await listed('plain.jsonl', '{"sar":"s/a b.tif","optical":"o/1.tif"}\n');
    expect(pairs).toEqual([{ id: 'a_b', sar: path('s/a b.tif'), optical: path('o/1.tif'), date: undefined }]);
    const [away] = await listed('away.jsonl', '{"sar":"/data/s.tif","optical":"../o.tif"}\n');
    expect(away).toMatchObject({ sar: '/data/s.tif', optical: `${folder}/../o.tif` });
    await expect(listed('twice.csv', 'sar,optical\na.tif,1.tif\na.tif,2.tif\n')).rejects.toThrow('a twice');
    await expect(listed('none.csv', 'sar,optical\n')).rejects.toThrow('at least one pair');
  });

  it('gives dates by ISO 8601', async () => {
    const dated = (date: string) => listed('dated.csv', `sar,optical,date\na.tif,1.tif,${date}\n`);
    for (const date of ['2020-02-29', '2020-01-03T10:12:00Z', '2020-01-03T10:12:00+01:00'])
      expect(await dated(date)).toMatchObject([{ date }]);
    expect((await dated(''))[0]!.date).toBeUndefined();
    for (const date of ['2021-02-29', '3.1.2020', 'soon'])
      await expect(dated(date)).rejects.toThrow(`expected a date by ISO 8601`);
    await expect(dated('soon')).rejects.toThrow(/line 2.*found soon/s);
  });

  it('may be a STAC collection, an item collection or an item', async () => {
    await mkdir(path('items'), { recursive: true });
    await writeFile(path('items', 'x.json'), JSON.stringify(item('x')));
    const links = [
      { rel: 'root', href: './collection.json' },
      { rel: 'item', href: './items/x.json' },
    ];
    expect(await listed('collection.json', { type: 'Collection', links })).toEqual([
      { id: 'x', sar: path('items/x/vh.tif'), optical: path('items/x/rgb.tif'), date: '2020-01-03T00:00:00Z' },
    ]);
    const collection = { type: 'FeatureCollection', features: [item('y.1'), item('..')] };
    expect((await listed('items.json', collection)).map(({ id }) => id)).toEqual(['y.1', '_']);
  });

  it('must name assets that are files here', async () => {
    await expect(listed('bare.json', { ...item('x'), assets: { vv: { href: 'a.tif' } } })).rejects.toThrow(
      'expected an asset "sar" in the item x, found vv. Name another by --sar-asset.',
    );
    const remote = { sar: { href: 'https://example.com/a.tif' }, optical: { href: 'b.tif' } };
    await expect(listed('remote.json', { ...item('x'), assets: remote })).rejects.toThrow('Download the scenes');
    await expect(listed('broken.json', '{')).rejects.toThrow('no JSON');
    await expect(listed('other.json', { type: 'Topology' })).rejects.toThrow('a STAC collection');
  });
});
