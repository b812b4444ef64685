/** A data set of windows holds the very patches that cutting to files gives, and stays usable where both are moved. */
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dataset, openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { FileError, FormatError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { runDoppel } from './run_command.ts';

const DEMO = new URL('../../data/demo', import.meta.url).pathname;
const NAMES = ['020', '100', '177'];
const SPLITS = { split: { train: ['020'], validation: ['177'], test: ['100'] }, unused: [] };

const store = new FileStore();
let folder: string;
const path = (...parts: string[]) => join(folder, ...parts);

/** `doppel data …words` with flags; the JSON it prints. */
async function doppelData(words: string, ...flags: string[]) {
  const { stdout } = await runDoppel(['data', ...words.split(' '), ...flags, '--json']);
  return JSON.parse(stdout);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

const importDemo = (out: string, ...flags: string[]) =>
  doppelData(
    'import scenes',
    path('demo'),
    ...['--side', '64', '--stride', '128', '--unit', 'amplitude', '--out', path(out)],
    ...flags,
  );

describe('doppel data import scenes --windows', () => {
  let [files, windows]: Dataset[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doppel-windows-'));
    for (const sensor of ['sar', 'optical']) {
      for (const name of NAMES) await cp(join(DEMO, sensor, `${name}.tif`), path('demo', sensor, `${name}.tif`));
    }
    await writeFile(path('protocol.json'), JSON.stringify(SPLITS));
    for (const [out, flags] of [
      ['files', []],
      ['windows', ['--windows']],
    ] as const) {
      await importDemo(out, ...flags);
      await doppelData('split', path(out), '--protocol', path('protocol.json'));
    }
    files = await openDataset(store, path('files'));
    windows = await openDataset(store, path('windows'));
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('lists the same pairs, places, grounds and splits', () => {
    expect(windows!.header).toMatchObject({
      version: 2,
      side: 64,
      sar: files!.header.sar,
      optical: files!.header.optical,
    });
    const facts = ({ records }: Dataset) =>
      records.map(({ id, group, label, provenance, footprint }) => ({ id, group, label, provenance, footprint }));
    expect(windows!.records).toHaveLength(192);
    expect(facts(windows!)).toEqual(facts(files!));
    expect(windows!.splits!.splits).toEqual(files!.splits!.splits);
    for (const split of ['train', 'validation', 'test'] as const) {
      expect(windows!.indicesOf(split)).toEqual(files!.indicesOf(split));
      expect(windows!.scenesOf(split).map(({ id }) => id)).toEqual(files!.splits!.splits[split]);
    }
  });

  it('holds the same patches, to the bit', async () => {
    for (let index = 0; index < files!.records.length; index++) {
      const [cut, seen] = [await files!.read(index), await windows!.read(index)];
      for (const sensor of ['sar', 'optical'] as const) {
        const { data, ...facts } = seen[sensor];
        const { data: expected, ...expectedFacts } = cut[sensor];
        expect(facts, seen.id).toEqual(expectedFacts);
        expect(Buffer.compare(bytesOf(data), bytesOf(expected)), `${seen.id}, ${sensor}`).toBe(0);
      }
    }
  }, 60_000);

  it('reads any window, of both sensors', async () => {
    const window = { column: 37, row: 347, width: 300, height: 128 };
    const seen = await windows!.readWindow('020', 'optical', window);
    expect(seen).toMatchObject({ width: 300, height: 128, bands: 3, unit: 'digital number' });
    // Patch 3-1 lies at column 128, row 384.
    const patch = await files!.readOptical(files!.records.findIndex(({ id }) => id === '020/3-1'));
    for (let row = 0; row < 64; row++) {
      const from = ((384 - 347 + row) * 300 + 128 - 37) * 3;
      expect(seen.data.subarray(from, from + 192)).toEqual(patch.data.subarray(row * 192, (row + 1) * 192));
    }
  });

  it('opens where data set and scenes were moved together, and after `doppel data locate` where one was', async () => {
    const { fingerprint } = windows!;
    await rename(folder, `${folder}-moved`);
    folder = `${folder}-moved`;
    expect((await openDataset(store, path('windows'))).fingerprint).toBe(fingerprint);
    await rename(path('demo'), path('elsewhere'));
    const lost = openDataset(store, path('windows'));
    await expect(lost).rejects.toThrow(FileError);
    await expect(lost).rejects.toThrow(/doppel data locate .*windows --scenes FOLDER/);
    expect(await doppelData('locate', path('windows'), '--scenes', path('elsewhere'))).toMatchObject({
      ...{ scenes: '../elsewhere', count: 3 },
    });
    const found = await openDataset(store, path('windows'));
    expect(found.fingerprint).toBe(fingerprint);
    const before = await (await openDataset(store, path('files'))).readSar(5);
    expect((await found.readSar(5)).data).toEqual(before.data);
  });

  it('refuses a scene file that is another one', async () => {
    const file = path('elsewhere/sar/100.tif');
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    await expect(openDataset(store, path('windows'))).rejects.toThrow(FormatError);
    await expect(openDataset(store, path('windows'))).rejects.toThrow(/100\.tif: expected SHA-256/);
  });
});
