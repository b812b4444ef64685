import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { FormatError, SplitError, UsageError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { pngFile } from '../core/import/image_files.ts';
import { sharedFolder } from '../shared.ts';
import { runDoppel } from './run_command.ts';

const store = new FileStore();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-optical-sar-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const path = (...parts: string[]) => join(folder, ...parts);

const SIDE = 32;
const fragment = (name: string, left: number, top: number) => ({
  fragment_filename: `${name}.png`,
  opt_tile_name: 'S2A',
  'corners_EPSG:3395': [
    [left, top],
    [left + 320, top],
    [left + 320, top - 320],
    [left, top - 320],
  ],
});

async function writePublished(fragments: object[], names: readonly string[]): Promise<void> {
  await store.write(path('in/dataset/metadata.json'), JSON.stringify(fragments));
  for (const [i, name] of names.entries()) {
    const sar = (pixel: number) => (pixel * 7 + i * 13) % 251;
    await store.write(path('in/dataset/sar', `${name}.png`), pngFile(SIDE, 3, sar));
    const optical = (pixel: number, band: number) => (pixel * 5 + band * 3 + i) % 241;
    await store.write(path('in/dataset/opt', `${name}.png`), pngFile(SIDE, 3, optical));
  }
}

/** `doppel data import optical-sar` of the folder above; the JSON it prints, and its log. */
async function importAll(...flags: string[]) {
  const words = ['data', 'import', 'optical-sar', path('in'), '--side', '16', '--out', path('out'), '--json'];
  const { stdout, log } = await runDoppel([...words, ...flags]);
  return { ...JSON.parse(stdout), log };
}

const PUBLISHED = [
  fragment('001', 1000, 9000),
  fragment('002', 5000, 9000),
  fragment('001', 9000, 3000),
  fragment('003', 0, 0),
];

describe('doppel data import optical-sar', () => {
  it.each([[[]], [['--windows']]])('places PNGs by their corners %j', async (flags) => {
    await writePublished(PUBLISHED, ['001', '002']);
    const { log, ...json } = await importAll(...flags);
    expect(json).toMatchObject({ pairs: 8, groups: 2, sar: { unit: 'amplitude', bands: 1 }, optical: { bands: 3 } });
    expect(log.join('\n')).toMatch(
      /guess: .*001\.png: metadata\.json lists it at two places, of which the last counts/,
    );
    expect(log.join('\n')).toMatch(/1 are listed and not there: 003/);
    const dataset = await openDataset(store, path('out'));
    const record = dataset.records.find(({ id }) => id === '001/0-1')!;
    expect(record).toMatchObject({ group: '001', footprint: { crs: 'EPSG:3395', bounds: [9160, 2840, 9320, 3000] } });
    const { sar, optical } = await dataset.read(dataset.records.indexOf(record));
    expect([sar.bands, sar.data[0], sar.data[16]]).toEqual([1, (16 * 7) % 251, ((SIDE + 16) * 7) % 251]);
    expect([...optical.data.subarray(0, 3)]).toEqual([80, 83, 86]);
    expect(dataset.header.attribution).toMatch(/VolkovVl.*Copernicus/);
  });

  it('imports the scenes of a protocol, and splits them by it', async () => {
    await writePublished([...PUBLISHED, fragment('004', 20_000, 0)], ['001', '002', '003', '004']);
    const protocol = { split: { train: ['001'], validation: ['002'], test: ['003'] }, unused: [] };
    await store.write(path('protocol.json'), JSON.stringify(protocol));
    const { log } = await importAll('--windows', '--protocol', path('protocol.json'));
    expect(log.join('\n')).toContain('note: 1 scenes are not named by the protocol');
    const dataset = await openDataset(store, path('out'));
    expect(dataset.splits!.splits).toMatchObject({ train: ['001'], validation: ['002'], test: ['003'] });
    expect(dataset.scenesOf('train').map(({ id }) => id)).toEqual(['001']);
    await rm(path('in/dataset/sar/003.png'));
    const again = importAll('--force', '--protocol', path('protocol.json'));
    await expect(again).rejects.toThrow(SplitError);
    expect((await openDataset(store, path('out')).catch((error) => error)).message).toMatch(/003\.png.*nothing/);
  });

  it('refuses what it cannot place, and bands that differ', async () => {
    await writePublished([], []);
    await expect(importAll()).rejects.toThrow(FormatError);
    await writePublished([{ ...fragment('001', 0, 0), 'corners_EPSG:3395': [[0, 0]] }], ['001']);
    await expect(importAll()).rejects.toThrow(/corners_EPSG:3395/);
    const turned = { ...fragment('001', 0, 0) };
    turned['corners_EPSG:3395'].reverse();
    await writePublished([turned], ['001']);
    await expect(importAll()).rejects.toThrow(/001\.png \(entry 1\).*corners of a rectangle/);
    await writePublished([fragment('007', 0, 0)], []);
    await expect(importAll()).rejects.toThrow(UsageError);
    await writePublished([fragment('001', 0, 0)], ['001']);
    await store.write(
      path('in/dataset/sar/001.png'),
      pngFile(SIDE, 3, (pixel, band) => (pixel % 100) + band),
    );
    await expect(importAll()).rejects.toThrow(/sar\/001\.png: expected bands that all hold the same/);
    await expect(importAll('--strict')).rejects.toThrow(FormatError);
  });

  const shared = sharedFolder();
  it.skipIf(!shared)(
    'gives the places and SAR patches of the GeoTIFF that was made of the same PNG',
    async () => {
      const run = (words: string[]) => runDoppel(['data', 'import', ...words, '--side', '256', '--json']);
      await run(['optical-sar', join(shared!, 'data/sentinel-as-published'), '--windows', '--out', path('png')]);
      const [sar, optical] = ['sar', 'optical'].map((sensor) => join(shared!, 'data/sentinel', sensor, '003.tif'));
      await run([
        'scenes',
        '--sar',
        sar!,
        '--optical',
        optical!,
        '--unit',
        'amplitude',
        '--windows',
        '--out',
        path('tif'),
      ]);
      const [png, tif] = [await openDataset(store, path('png')), await openDataset(store, path('tif'))];
      expect(png.records.map(({ id, group, footprint }) => ({ id, group, footprint }))).toEqual(
        tif.records.map(({ id, group, footprint }) => ({ id, group, footprint })),
      );
      for (const index of [0, 7, 15]) {
        const [a, b] = [await png.read(index), await tif.read(index)];
        expect(Buffer.from(a.sar.data.buffer).equals(Buffer.from(b.sar.data.buffer))).toBe(true);
        const off = a.optical.data.reduce((sum, sample, i) => sum + Math.abs(sample - b.optical.data[i]!), 0);
        expect(off / a.optical.data.length).toBeLessThan(6); // JPEG
      }
    },
    120_000,
  );
});
