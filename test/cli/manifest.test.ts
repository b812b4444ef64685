/** Manifests: JSON lines and CSV, long ones, and lines that are broken or leave the folder. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ManifestPair, readManifest } from '../../packages/cli/src/manifest.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';

async function read(name: string, text: string): Promise<ManifestPair[]> {
  const store = new MemoryStore();
  await store.write(name, text);
  const pairs: ManifestPair[] = [];
  for await (const pair of readManifest(store, name)) pairs.push(pair);
  return pairs;
}

describe('readManifest', () => {
  it('reads JSON lines; paths are relative to its folder, empty lines are passed over', async () => {
    const text = '{"sar":"a.tif","optical":"sub/b.png","id":7}\n\n{"sar":"./c.tif","optical":"sub/../d.png"}\n';
    expect(await read('work/pairs.jsonl', text)).toEqual([
      { line: 1, id: '7', sar: 'a.tif', optical: 'sub/b.png', sarPath: 'work/a.tif', opticalPath: 'work/sub/b.png' },
      { line: 3, sar: './c.tif', optical: 'sub/../d.png', sarPath: 'work/./c.tif', opticalPath: 'work/sub/../d.png' },
    ]);
  });

  it('reads CSV with quotes, any order of columns and carriage returns', async () => {
    const text = '\uFEFFid,optical,SAR\r\n1,"b, ""new"".png",a.tif\r\n';
    expect(await read('pairs.csv', text)).toEqual([
      { line: 2, id: '1', sar: 'a.tif', optical: 'b, "new".png', sarPath: './a.tif', opticalPath: './b, "new".png' },
    ]);
  });

  it('reads files of many chunks, whatever the length of a line', async () => {
    const names = fc.array(fc.stringMatching(/^[a-zü]{1,40}$/), { minLength: 1, maxLength: 4000, size: 'max' });
    await fc.assert(
      fc.asyncProperty(names, async (all) => {
        const text = all.map((name) => JSON.stringify({ sar: name, optical: name })).join('\n');
        expect((await read('m.jsonl', text)).map(({ sar }) => sar)).toEqual(all);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['no JSON', 'm.jsonl', '{"sar":"a","optical":"b"}\nnonsense\n', /m\.jsonl, line 2.*JSON object, found nonsense/],
    ['a missing path', 'm.jsonl', '{"sar":"a"}\n', /line 1.*"sar" and "optical".*optical/],
    ['an empty path', 'm.jsonl', '{"sar":"a","optical":""}\n', /line 1/],
    ['a path out of the folder', 'm.jsonl', '{"sar":"../a","optical":"b"}', /line 1.*inside the folder.*"\.\.\/a"/],
    ['a path out by a detour', 'm.jsonl', '{"sar":"x/../../a","optical":"b"}', /line 1.*inside the folder/],
    ['an absolute path', 'm.jsonl', '{"sar":"/etc/passwd","optical":"b"}', /line 1.*inside the folder/],
    ['an absolute path of Windows', 'm.jsonl', '{"sar":"C:\\\\a","optical":"b"}', /line 1.*inside the folder/],
    ['a header without sar', 'm.csv', 'a,optical\n1,2\n', /m\.csv, line 1.*columns sar and optical/],
    ['a row with a cell too many', 'm.csv', 'sar,optical\na,b,c\n', /line 2.*2 cells, found 3/],
    ['an open quote', 'm.csv', 'sar,optical\n"a,b\n', /line 2.*quotes/],
  ])('refuses %s by file and line', async (_, name, text, message) => {
    await expect(read(name, text)).rejects.toMatchObject({ tag: 'format', message: expect.stringMatching(message) });
  });

  it('names a file that is not there', async () => {
    await expect(readManifest(new MemoryStore(), 'no.jsonl').next()).rejects.toThrow(/no\.jsonl/);
  });
});
