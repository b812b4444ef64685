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

  it.each([
    ['semicolons, with commas in a name', 'sar;optical;"a, b"\na.tif;b,c.tif;1\n', [['a.tif', 'b,c.tif']]],
    ['tabs', 'sar\toptical\na b.tif\tb.tif\n', [['a b.tif', 'b.tif']]],
    ["Excel's line before the header", 'sep=;\r\nsar;optical\r\na;b\r\n', [['a', 'b']]],
    [
      'rows of empty cells',
      'sar,optical,id\na,b,\n,,\n"",,\nc,d,\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['empty cells behind', 'sar,optical\na,b,,\n', [['a', 'b']]],
    [
      'names of other scripts, composed or not',
      'sar,optical\nü/\u0075\u0308.tif,雷達.tif\n',
      [['ü/\u0075\u0308.tif', '雷達.tif']],
    ],
    ['no line break at the end', 'sar,optical\na,b', [['a', 'b']]],
  ])('reads %s', async (_, text, wanted) => {
    expect((await read('m.csv', text)).map(({ sar, optical }) => [sar, optical])).toEqual(wanted);
  });

  it('is done at once with a line of blanks', async () => {
    const start = performance.now();
    await expect(read('m.csv', `sar,optical\n${' '.repeat(100_000)}x"`)).rejects.toThrow(/quotes/);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('refuses another encoding than UTF-8', async () => {
    const store = new MemoryStore();
    store.files.set('m.csv', Uint8Array.from([...new TextEncoder().encode('sar,optical\n'), 0xfc, 0x2c, 0x62]));
    await expect(readManifest(store, 'm.csv').next()).rejects.toThrow(/text in UTF-8.*CSV UTF-8/);
    store.files.set('n.csv', new Uint8Array(new Uint16Array([0xfeff, 115, 97, 114]).buffer));
    await expect(readManifest(store, 'n.csv').next()).rejects.toThrow(/UTF-8/);
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
    ['a column twice', 'm.csv', 'sar,optical,sar\na,b,c\n', /line 1.*one column of each name, found "sar" twice/],
    ['a row with a cell too many', 'm.csv', 'sar,optical\na,b,c\n', /line 2.*2 cells, found 3/],
    ['an open quote', 'm.csv', 'sar,optical\n"a,b\n', /line 2.*quotes/],
  ])('refuses %s by file and line', async (_, name, text, message) => {
    await expect(read(name, text)).rejects.toMatchObject({ tag: 'format', message: expect.stringMatching(message) });
  });

  it('names a file that is not there', async () => {
    await expect(readManifest(new MemoryStore(), 'no.jsonl').next()).rejects.toThrow(/no\.jsonl/);
  });
});
