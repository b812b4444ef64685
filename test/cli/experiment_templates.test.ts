/** `doppel experiment templates` and `maps` on the demo's scenes. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../packages/core/src/errors.ts';
import { nativeLoaders, runDoppel } from './run_command.ts';

/** Some of the demo's scenes, in the splits of its protocol. */
const SPLIT = { train: ['020'], validation: ['177', '253'], test: ['100'] };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-templates-'));
  const [scenes, protocol] = [join(folder, 'scenes'), join(folder, 'protocol.json')];
  for (const name of Object.values(SPLIT).flat()) {
    for (const sensor of ['sar', 'optical']) {
      await cp(`data/demo/${sensor}/${name}.tif`, join(scenes, sensor, `${name}.tif`));
    }
  }
  await writeFile(protocol, JSON.stringify({ split: SPLIT, unused: [] }));
  await runDoppel([
    ...['data', 'import', 'scenes', scenes, '--side', '64', '--unit', 'amplitude', '--windows'],
    ...['--out', join(folder, 'data')],
  ]);
  await runDoppel(['data', 'split', join(folder, 'data'), '--protocol', protocol]);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const measure = (...flags: string[]) =>
  runDoppel(['experiment', 'templates', '--data', join(folder, 'data'), ...flags], undefined, nativeLoaders);

describe('doppel experiment templates', () => {
  it('compares the matcher with gradients on the same templates', async () => {
    const { stdout } = await measure('--split', 'validation', '--sides', '64', '--templates', '5', '--json');
    const { rows, within, views } = JSON.parse(stdout);
    expect(views).toBe(1);
    expect(within).toEqual([1, 2, 3, 5]);
    expect(rows).toMatchObject([
      { method: 'matcher', side: 64, alignment: 'raw', templates: 10 },
      { method: 'gradients', side: 64, alignment: 'raw', templates: 10 },
    ]);
    for (const { found } of rows) expect(found).toEqual(found.toSorted((a: number, b: number) => a - b));
    expect(rows[0].found[3]).toBeGreaterThan(0.3); // chance: 9 %
  }, 60_000);

  it('looks under as many symmetries as it is told, with the matcher alone', async () => {
    const flags = ['--split', 'validation', '--sides', '64', '--templates', '5', '--json'];
    const [once, twice] = [await measure(...flags), await measure(...flags, '--views', '2')];
    const [a, b] = [JSON.parse(once.stdout), JSON.parse(twice.stdout)];
    expect([b.views, b.rows.length]).toEqual([2, 2]);
    expect(b.rows[1]).toEqual(a.rows[1]); // gradients
    expect(b.rows[0].found[3]).toBeGreaterThan(0.3);
    await expect(measure('--views', '3')).rejects.toThrow('one of 1, 2, 4, 8');
  }, 60_000);

  it('refuses sides that are none, and repaired places without alignment.json', async () => {
    await expect(measure('--sides', '64,65')).rejects.toThrow(UsageError);
    await expect(measure('--alignment', 'repaired')).rejects.toThrow('alignment.json');
  });
});

describe('doppel experiment maps', () => {
  const draw = (...flags: string[]) =>
    runDoppel(
      ['experiment', 'maps', '--data', join(folder, 'data'), '--split', 'validation', ...flags],
      undefined,
      nativeLoaders,
    );

  it('draws a map of the place, of a look-alike and of a shifted patch', async () => {
    const page = join(folder, 'maps.html');
    const { stdout } = await draw('--pairs', '3', '--out', page, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ page, pairs: 3 });
    const html = await readFile(page, 'utf8');
    for (const kind of ['the place itself', 'look-alike', 'shifted']) {
      expect(html.split(`aria-label="correlation map of ${kind}"`)).toHaveLength(4);
    }
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/); // needs nothing else
  }, 60_000);

  it('finds shifted patches where they lie', async () => {
    const page = join(folder, 'shifted.html');
    await draw('--pairs', '8', '--shift', '12', '--out', page, '--json');
    const peaks = [...(await readFile(page, 'utf8')).matchAll(/shifted: .*? at (\S+) right, (\S+) down/g)];
    const offsets = peaks.map(([, right, down]) =>
      [right!, down!].map((each) => Math.abs(Number(each.replace('−', '-')))).sort((a, b) => b - a),
    );
    expect(offsets).toHaveLength(8);
    const near = offsets.filter(([long, short]) => Math.abs(long! - 12) <= 6 && short! <= 6);
    expect(near.length).toBeGreaterThanOrEqual(4); // chance: below 1 of 8
  }, 60_000);

  it('refuses a shift beyond the search, and a search without room', async () => {
    const page = join(folder, 'none.html');
    await expect(draw('--shift', '24', '--out', page)).rejects.toThrow('--search');
    await expect(draw('--search', '600', '--out', page)).rejects.toThrow('no pair that has them');
  });
});
