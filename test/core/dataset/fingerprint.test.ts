import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../packages/core/src/base/sha256.ts';
import { openDataset, writeSplits } from '../../../packages/core/src/dataset/dataset.ts';
import { dataDifference, isSameData, listPart } from '../../../packages/core/src/dataset/fingerprint.ts';
import type { DatasetHeader, PairRecord } from '../../../packages/core/src/dataset/pairs_file.ts';
import { placeGuard } from '../../../packages/core/src/dataset/place_guard.ts';
import { splitByPlace, withoutNegatives } from '../../../packages/core/src/dataset/split_by_place.ts';
import { SplitError } from '../../../packages/core/src/errors.ts';
import { encodePatch } from '../../../packages/core/src/raster/encode_patch.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { writePairs } from './write_pairs.ts';

const SIDE = 8;
const header: DatasetHeader = {
  ...{ doppel: 'pairs', version: 1, side: SIDE },
  ...{ sar: { unit: 'digital number', bands: 1 }, optical: { unit: 'digital number', bands: 1 } },
};

async function image(value: (i: number) => number): Promise<Uint8Array> {
  const data = Float32Array.from({ length: SIDE * SIDE }, (_, i) => value(i));
  return (await encodePatch({ data, width: SIDE, height: SIDE, bands: 1, unit: 'digital number' })).bytes;
}
const textured = (seed: number) => image((i) => (i * 7 + seed * 13) % 200);

const record = (i: number, more: Partial<PairRecord> = {}): PairRecord => ({
  ...{ id: `p${i}`, sar: `s${i}.png`, optical: `o${i}.png`, group: `g${i}`, label: 1, provenance: 'real' },
  ...more,
});

async function dataOf(records: readonly PairRecord[], images: Record<string, Uint8Array> = {}) {
  const store = new MemoryStore();
  await writePairs(store, 'd', header, records);
  for (const [i, { sar, optical }] of records.entries()) {
    await store.write(`d/${sar}`, await textured(2 * i));
    await store.write(`d/${optical}`, await textured(2 * i + 1));
  }
  for (const [path, bytes] of Object.entries(images)) await store.write(`d/${path}`, bytes);
  return store;
}

describe('the fingerprint of a data set', () => {
  const records = [record(0), record(1)];
  const fingerprint = async (store: MemoryStore) => (await openDataset(store, 'd')).fingerprint;

  it('sees the list and every image, not where it lies', async () => {
    const [a, b] = [await dataOf(records), await dataOf(records)];
    expect(await fingerprint(a)).toBe(await fingerprint(b));
    expect(await fingerprint(a)).toMatch(/^v2:[0-9a-f]{64}:[0-9a-f]{64}$/);
    const other = await dataOf(records, { 'o1.png': await textured(99) });
    expect(await fingerprint(other)).not.toBe(await fingerprint(a));
    const otherList = await dataOf([record(0), record(1, { group: 'g0' })]);
    expect(await fingerprint(otherList)).not.toBe(await fingerprint(a));
    const missing = await dataOf(records);
    missing.files.delete('d/s1.png');
    expect(await fingerprint(missing)).not.toBe(await fingerprint(a));
  });

  it('of an older version is held against the list', async () => {
    const store = await dataOf(records);
    const old = await sha256(await store.read('d/pairs.jsonl'));
    const now = await fingerprint(store);
    expect(listPart(now)).toBe(old);
    expect(isSameData(old, now)).toBe(true);
    expect(isSameData('0'.repeat(64), now)).toBe(false);
    expect(isSameData(now, now)).toBe(true);
    const changed = await fingerprint(await dataOf(records, { 's0.png': await textured(50) }));
    expect(isSameData(now, changed)).toBe(false);
    expect(dataDifference(now, changed)).toMatch(/same list of pairs, but images that have changed/);
    expect(dataDifference('0'.repeat(64), changed)).toMatch(/other pairs.*000000000000/);
  });

  it('lets splits be, which are made for the list', async () => {
    const store = await dataOf(records);
    const splits = { train: ['g0'], validation: [], test: ['g1'], unused: [] };
    await writeSplits(store, await openDataset(store, 'd'), { version: 1, splits });
    await store.write('d/s0.png', await textured(77));
    expect((await openDataset(store, 'd')).indicesOf('test')).toEqual([1]);
  });
});

describe('one image in pairs of two places', () => {
  const splits = { train: ['g0'], validation: [], test: ['g1'], unused: ['g2'] };
  const open = async (store: MemoryStore, given = splits) => {
    await writeSplits(store, await openDataset(store, 'd', { ignoreSplits: true }), { version: 1, splits: given });
  };

  it.each([
    ['by its path', [record(0), record(1, { sar: 's0.png' }), record(2)], {}],
    ['as a copy', [record(0), record(1), record(2)], { 'o1.png': 1 }],
  ])('%s may lie in one split only', async (_, records, copies) => {
    const images = Object.fromEntries(
      await Promise.all(Object.entries(copies).map(async ([path, seed]) => [path, await textured(seed)])),
    );
    const store = await dataOf(records, images);
    await expect(open(store)).rejects.toThrow(SplitError);
    await expect(open(store)).rejects.toThrow(
      /no image in two splits.*p0 of the place "g0" in train, p1 of the place "g1" in test/,
    );
    await open(store, { train: ['g0', 'g1'], validation: [], test: ['g2'], unused: [] });
    await open(store, { train: ['g0'], validation: [], test: ['g2'], unused: ['g1'] });
  });

  it('does not count where there is nothing to see', async () => {
    const flat = await image(() => 3);
    await open(await dataOf([record(0), record(1), record(2)], { 'o0.png': flat, 'o1.png': flat }));
  });

  it('is one place for `data split`', async () => {
    const records = Array.from({ length: 6 }, (_, i) => record(i, { sar: `s${Math.floor(i / 2)}.png` }));
    const dataset = await openDataset(await dataOf(records), 'd');
    for (const seed of [1, 2, 3]) {
      const drawn = splitByPlace(dataset, { shares: { train: 0.5, validation: 0, test: 0.5 }, seed, margin: 0 });
      for (const i of [0, 2, 4]) {
        const of = (group: string) => Object.entries(drawn).find(([, groups]) => groups.includes(group))?.[0];
        expect(of(`g${i}`)).toBe(of(`g${i + 1}`));
      }
    }
  });

  it('is no negative of itself, nor of what its twin lies by', () => {
    const records = [
      record(0),
      record(1, { sar: 's0.png' }),
      record(2, { group: 'g1' }),
      record(3, { label: 0, sar: 's0.png', optical: 'o4.png' }),
      record(4),
    ];
    const guard = placeGuard(records);
    expect([...guard.conflictsOf(0)].sort()).toEqual([0, 1, 2, 3]);
    expect(guard.conflict(0, 4)).toBe(false); // a listed negative joins no places
    for (const i of records.keys()) {
      for (const j of records.keys()) expect(guard.conflict(i, j)).toBe(guard.conflict(j, i));
    }
  });
});

describe('splits in which no negatives can be made', () => {
  const places = (count: number, pairs: number) =>
    Array.from({ length: count * pairs }, (_, i) => record(i, { group: `g${Math.floor(i / pairs)}` }));

  it('get one more place where another can spare it', async () => {
    const dataset = await openDataset(await dataOf(places(10, 3)), 'd');
    for (const seed of [1, 2, 3]) {
      const splits = splitByPlace(dataset, { shares: { train: 0.7, validation: 0.1, test: 0.2 }, seed, margin: 0 });
      expect(withoutNegatives(dataset.records, splits)).toEqual([]);
      expect(splits.validation).toHaveLength(2);
    }
  });

  it('are told where there are too few places', async () => {
    const dataset = await openDataset(await dataOf(places(3, 3)), 'd');
    const splits = splitByPlace(dataset, { shares: { train: 0.4, validation: 0.3, test: 0.3 }, seed: 1, margin: 0 });
    expect(withoutNegatives(dataset.records, splits)).toEqual(['train', 'validation', 'test']);
  });
});
