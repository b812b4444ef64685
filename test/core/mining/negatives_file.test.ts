import { describe, expect, test } from 'vitest';
import { FormatError, SplitError } from '../../../packages/core/src/errors.ts';
import type { MinedHeader, MinedNegative } from '../../../packages/core/src/mining/negatives.ts';
import { readNegatives, writeNegatives } from '../../../packages/core/src/mining/negatives_file.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { fakeRecords } from './fake_model.ts';

const splits = { train: [0, 1, 2], validation: [3], test: [4] };
const dataset = {
  folder: 'data/small',
  fingerprint: 'd'.repeat(64),
  records: fakeRecords(5).map((record, i) => ({ ...record, id: 'abcde'.charAt(i) })),
  indicesOf: (split: keyof typeof splits) => splits[split],
};
const header: MinedHeader = {
  doppel: 'negatives',
  version: 1,
  strategy: 'loss',
  split: 'train',
  scale: 'probability',
  dataFingerprint: dataset.fingerprint,
  modelFingerprint: 'e'.repeat(64),
  seed: 1,
  k: 1,
  sampling: 'top',
  maxCandidates: 1000,
  maxUses: 5,
  guardMargin: 1,
  rules: { maxScore: 0.9 },
};
const negative = (sar: number, optical: number): MinedNegative => ({
  sar,
  optical,
  label: 0,
  provenance: 'mined',
  score: 0.75,
  positiveScore: 0.5,
  probability: 0.75,
  rank: 2,
  reason: 'loss: rank 2 of 3',
});

async function read(text: string | Promise<string>, options = {}) {
  const store = new MemoryStore();
  await store.write('negatives.jsonl', await text);
  return (await readNegatives(store, 'negatives.jsonl', dataset, options)).mined;
}
async function written(change: Partial<MinedHeader> = {}, negatives = [negative(0, 1), negative(2, 0)]) {
  const report = { anchors: 2, quantiles: {} };
  const found = { header: { ...header, ...change }, negatives, report };
  const files = await writeNegatives(found, dataset.records, 'negatives.jsonl');
  return files.get('negatives.jsonl') as string;
}
/** The file with something changed by hand. */
const edited = async (edit: (text: string) => string) => edit(await written());

describe('negatives.jsonl', () => {
  test('comes back as it was written, by reference into the data set', async () => {
    expect(await read(written())).toEqual([negative(0, 1), negative(2, 0)]);
    expect((await written()).split('\n')[1]).toBe(
      '{"sar":"a","optical":"b","score":0.75,"positiveScore":0.5,"probability":0.75,"rank":2,"reason":"loss: rank 2 of 3"}',
    );
  });

  test('a broken line is named', async () => {
    await expect(read(edited((text) => text.replace('{"sar":"c"', '{"sar":"c')))).rejects.toThrow(FormatError);
    await expect(read(edited((text) => text.replace('{"sar":"c"', '{"sar":"c')))).rejects.toThrow(
      /negatives.jsonl, line 3.*no JSON/,
    );
    await expect(read(edited((text) => text.replaceAll('"rank":2', '"rank":"2"')))).rejects.toThrow(/line 2.*rank/);
    await expect(read(edited((text) => `${text}\n`))).rejects.toThrow(/line 4.*an empty line/);
    await expect(read('')).rejects.toThrow(/line 1.*header/);
    await expect(read(edited((text) => text.slice(0, -20)))).rejects.toThrow(/line 3.*no JSON/);
  });

  test('other data, unknown records and true pairs are refused', async () => {
    await expect(read(written({ dataFingerprint: 'f'.repeat(64) }))).rejects.toThrow(
      /expected negatives mined in data\/small .*found .*ffffffffffff.*dddddddddddd.*Mine again/,
    );
    await expect(read(edited((text) => text.replace('"sar":"c"', '"sar":"x"')))).rejects.toThrow(/line 3.*found "x"/);
    await expect(read(written({}, [negative(1, 1)]))).rejects.toThrow(/line 2.*two different records/);
  });

  test('nothing from another split becomes training material', async () => {
    await expect(read(written({ split: 'test' }))).rejects.toThrow(SplitError);
    await expect(read(written({ split: 'test' }))).rejects.toThrow(/mined in "test", for analysis/);
    await expect(read(written({}, [negative(0, 1), negative(4, 0)]))).rejects.toThrow(
      /line 3.*"e", which is not in it/,
    );
    await expect(read(written({}, [negative(0, 3)]))).rejects.toThrow(SplitError);
  });

  test('a strategy that is not registered is refused, with those that are', async () => {
    await expect(read(written({ strategy: 'hardest' }))).rejects.toThrow(/line 1.*header.*strategy/);
  });
});
