import fc from 'fast-check';
import { encode } from 'fast-png';
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../packages/core/src/base/sha256.ts';
import { openDataset, type PairRecord, writeSplits } from '../../../packages/core/src/dataset/dataset.ts';
import { listPart } from '../../../packages/core/src/dataset/fingerprint.ts';
import { isInside } from '../../../packages/core/src/dataset/inside.ts';
import { formatPairs, parsePairs } from '../../../packages/core/src/dataset/pairs_file.ts';
import { FileError, FormatError, PatchError, SplitError } from '../../../packages/core/src/errors.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { writePairs } from './write_pairs.ts';

const header = {
  doppel: 'pairs',
  version: 1,
  side: 4,
  sar: { unit: 'amplitude', bands: 1 },
  optical: { unit: 'digital number', bands: 3 },
} as const;

function record(i: number, changes: Partial<PairRecord> = {}): PairRecord {
  return {
    id: `pair-${i}`,
    sar: `patches/${i}.sar.png`,
    optical: `patches/${i}.optical.png`,
    group: `place-${i}`,
    label: 1,
    provenance: 'real',
    footprint: { crs: 'EPSG:3395', bounds: [i * 100, 0, i * 100 + 40, 40] },
    ...changes,
  };
}

const png = (side: number, channels: 1 | 3, value: number) =>
  encode({ width: side, height: side, channels, depth: 8, data: new Uint8Array(side * side * channels).fill(value) });

let store: MemoryStore;

async function makeDataset(records = [0, 1, 2, 3].map((i) => record(i))): Promise<void> {
  store = new MemoryStore();
  for (const [i, { sar, optical }] of records.entries()) {
    await store.write(`data/${sar}`, png(4, 1, 10 + i));
    await store.write(`data/${optical}`, png(4, 3, 20 + i));
  }
  await writePairs(store, 'data', header, records);
}

const lineOf = (value: object) => JSON.stringify(value);
const opening = (...lines: string[]) => {
  const files = new MemoryStore();
  files.files.set('data/pairs.jsonl', new TextEncoder().encode(lines.join('\n')));
  return openDataset(files, 'data');
};

describe('openDataset', () => {
  beforeEach(() => makeDataset());

  it('reads pairs, in the unit of the header', async () => {
    const dataset = await openDataset(store, 'data');
    expect(dataset.records).toEqual([0, 1, 2, 3].map((i) => record(i)));
    expect(dataset.header).toEqual(header);
    expect(listPart(dataset.fingerprint)).toBe(await sha256(await store.read('data/pairs.jsonl')));
    const pair = await dataset.read(2);
    expect(pair).toMatchObject({ id: 'pair-2', group: 'place-2', label: 1, provenance: 'real' });
    expect(pair.sar).toMatchObject({ width: 4, height: 4, bands: 1, unit: 'amplitude' });
    expect([...pair.sar.data]).toEqual(new Array(16).fill(12));
    expect([...pair.optical.data]).toEqual(new Array(48).fill(22));
    expect(pair.footprint).toEqual(record(2).footprint);
  });

  it.each([
    ['no JSON', '{"id": "a",', /pairs\.jsonl, line 3: .*no JSON/],
    ['an empty line', '', /line 3: .*an empty line/],
    ['a missing field', lineOf({ ...record(1), group: undefined }), /line 3: .*"group".*missing/],
    ['an unknown field', lineOf({ ...record(1), gruop: 'x' }), /line 3: .*gruop/],
    ['a label that is none', lineOf({ ...record(1), label: 2 }), /line 3: .*"label".*it is 2/],
    ['an absolute path', lineOf({ ...record(1), sar: '/etc/passwd' }), /line 3: .*"sar".*inside.*\/etc\/passwd/],
    ['a path out of the folder', lineOf({ ...record(1), optical: 'a/../../b.png' }), /line 3: .*"optical".*inside/],
    ['a drive', lineOf({ ...record(1), sar: 'C:\\secret.png' }), /line 3: .*"sar".*inside/],
    ['backslashes', lineOf({ ...record(1), sar: '..\\b.png' }), /line 3: .*"sar".*inside/],
    ['an id twice', lineOf(record(0)), /line 3: expected a unique id, found "pair-0", the id of line 2/],
    [
      'bounds the wrong way',
      lineOf(record(1, { footprint: { crs: 'EPSG:3395', bounds: [5, 0, 1, 1] } })),
      /line 3: .*bounds/,
    ],
    ['an unknown CRS', lineOf(record(1, { footprint: { crs: 'EPSG:1', bounds: [0, 0, 1, 1] } })), /line 3: .*EPSG:1/],
  ])('names file and line of %s', async (_, line, message) => {
    const found = opening(lineOf(header), lineOf(record(0)), line, lineOf(record(2)), '');
    await expect(found).rejects.toThrow(FormatError);
    await expect(found).rejects.toThrow(message);
    await expect(found).rejects.toMatchObject({ line: 3 });
  });

  it.each([
    ['nothing', '', /line 1: .*an empty line/],
    ['another version', lineOf({ ...header, version: 3 }), /line 1: .*"version".*it is 3/],
    ['two SAR bands', lineOf({ ...header, sar: { unit: 'dB', bands: 2 } }), /line 1: .*"sar\.bands".*it is 2/],
    ['an unknown unit', lineOf({ ...header, sar: { unit: 'decibel', bands: 1 } }), /line 1: .*"sar\.unit"/],
    ['an array', '[1]', /line 1/],
  ])('refuses a header that is %s', async (_, line, message) => {
    await expect(opening(line)).rejects.toThrow(message);
  });

  it('refuses a folder without a list, and one that is no text', async () => {
    await expect(openDataset(new MemoryStore(), 'data')).rejects.toThrow(FileError);
    const files = new MemoryStore();
    files.files.set('data/pairs.jsonl', Uint8Array.of(0xff, 0xfe, 0x00));
    await expect(openDataset(files, 'data')).rejects.toThrow(/UTF-8/);
  });

  it('says which patch is missing, of another size, of other bands, or damaged, when it is read', async () => {
    const dataset = await openDataset(store, 'data');
    await store.remove('data/patches/0.sar.png');
    await expect(dataset.readSar(0)).rejects.toThrow(/data\/patches\/0\.sar\.png.*nothing/);
    await store.write('data/patches/1.sar.png', png(5, 1, 1));
    await expect(dataset.readSar(1)).rejects.toThrow(PatchError);
    await expect(dataset.readSar(1)).rejects.toThrow(/1\.sar\.png: expected 4 × 4 .*found 5 × 5/);
    await store.write('data/patches/2.optical.png', png(4, 1, 1));
    await expect(dataset.readOptical(2)).rejects.toThrow(/3 band\(s\).*found.*1 band\(s\)/);
    await store.write('data/patches/3.sar.png', png(4, 1, 1).slice(0, 40));
    await expect(dataset.readSar(3)).rejects.toThrow(FormatError);
    await expect(dataset.readSar(9)).rejects.toThrow(RangeError);
  });
});

describe('splits', () => {
  const split = (train: string[], validation: string[], test: string[], unused: string[] = []) => ({
    version: 1 as const,
    splits: { train, validation, test, unused },
  });
  const good = split(['place-0'], ['place-1'], ['place-2'], ['place-3']);

  beforeEach(() => makeDataset());

  it('come back as they were written', async () => {
    await writeSplits(store, await openDataset(store, 'data'), { ...good, seed: 7 });
    const dataset = await openDataset(store, 'data');
    expect(dataset.splits).toMatchObject({ seed: 7, fingerprint: listPart(dataset.fingerprint), splits: good.splits });
    expect(dataset.indicesOf('test')).toEqual([2]);
    expect([0, 1, 2, 3].map((i) => dataset.splitOf(i))).toEqual(['train', 'validation', 'test', 'unused']);
  });

  it('are asked for where there are none', async () => {
    const dataset = await openDataset(store, 'data');
    expect(dataset.splits).toBeUndefined();
    expect(() => dataset.indicesOf('train')).toThrow(SplitError);
    expect(() => dataset.indicesOf('train')).toThrow(/doppel data split data/);
  });

  it('may be empty only where nobody asks for them', async () => {
    await writeSplits(
      store,
      await openDataset(store, 'data'),
      split(['place-0', 'place-1'], [], ['place-2', 'place-3']),
    );
    const dataset = await openDataset(store, 'data');
    expect(dataset.indicesOf('train')).toEqual([0, 1]);
    expect(() => dataset.indicesOf('validation')).toThrow(/"validation".*at least one pair/);
  });

  it.each([
    [
      'a place in two splits',
      split(['place-0', 'place-1'], ['place-1'], ['place-2', 'place-3']),
      /"place-1" in train and in validation/,
    ],
    ['a place in none', split(['place-0'], ['place-1'], ['place-2']), /"place-3" in none/],
    [
      'a place that is not there',
      split(['place-0', 'nowhere'], ['place-1'], ['place-2', 'place-3']),
      /"nowhere" in train/,
    ],
    ['a place twice', split(['place-0', 'place-0'], ['place-1'], ['place-2', 'place-3']), /"place-0" twice/],
  ])('with %s are refused, and not written', async (_, splits, message) => {
    const dataset = await openDataset(store, 'data');
    await expect(writeSplits(store, dataset, splits)).rejects.toThrow(SplitError);
    await expect(writeSplits(store, dataset, splits)).rejects.toThrow(message);
    expect(await store.stat('data/splits.json')).toBeUndefined();
  });

  it('that show the same ground twice are refused, naming both', async () => {
    const shifted = record(2, { footprint: { crs: 'EPSG:3395', bounds: [20, 20, 60, 60] } });
    await makeDataset([record(0), record(1), shifted, record(3)]);
    const dataset = await openDataset(store, 'data');
    await expect(writeSplits(store, dataset, good)).rejects.toThrow(
      /pair-0 of the place "place-0" in train, pair-2 of the place "place-2" in test/,
    );
    await writeSplits(store, dataset, split(['place-0'], ['place-1'], ['place-3'], ['place-2']));
    await writeSplits(store, dataset, split(['place-0', 'place-2'], ['place-1'], ['place-3']));
  });

  it('of other pairs are refused', async () => {
    await writeSplits(store, await openDataset(store, 'data'), good);
    await writePairs(
      store,
      'data',
      header,
      [0, 1, 2, 3].map((i) => record(i, { label: 0 })),
    );
    await expect(openDataset(store, 'data')).rejects.toThrow(/made for other pairs.*doppel data split/);
    expect((await openDataset(store, 'data', { ignoreSplits: true })).splits).toBeUndefined();
  });

  it('that are damaged are named', async () => {
    await store.write('data/splits.json', '{"doppel":"splits","version":1');
    await expect(openDataset(store, 'data')).rejects.toThrow(/data\/splits\.json.*no JSON/);
    await store.write('data/splits.json', '{"doppel":"splits","version":1,"fingerprint":"x","splits":{}}');
    await expect(openDataset(store, 'data')).rejects.toThrow(FormatError);
  });
});

describe('the list of pairs', () => {
  it('comes back as it was written', () => {
    const name = fc.string({ minLength: 1 });
    const records = fc.uniqueArray(
      fc.record({ id: name, group: name, label: fc.constantFrom(0 as const, 1 as const) }),
      { selector: ({ id }) => id, maxLength: 20 },
    );
    fc.assert(
      fc.property(records, (some) => {
        const written = some.map((each, i) => record(i, each));
        expect(parsePairs(formatPairs(header, written), 'pairs.jsonl')).toEqual({ header, records: written });
      }),
    );
  });
});

describe('isInside', () => {
  it.each(['a', 'a/b', './a', 'a/../b', 'a..b', '...', 'a/b/../../c'])('lets %s in', (path) => {
    expect(isInside(path)).toBe(true);
  });
  it.each(['', '.', '..', '/a', '\\a', 'a/../..', '../a', 'a/../../b', 'c:a', 'C:\\a', 'a\\..\\..\\b', 'a\0b'])(
    'keeps %j out',
    (path) => {
      expect(isInside(path)).toBe(false);
    },
  );
});
