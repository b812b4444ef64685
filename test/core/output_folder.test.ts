import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { refuseFilled, writeFolder } from '../../packages/core/src/output_folder.ts';

const store = new FileStore();
let base: string;
let out: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'doppel-output-'));
  out = join(base, 'out');
});
afterEach(() => rm(base, { recursive: true }));

const writeOne = (content: string) => (folder: string) => store.write(join(folder, 'a.txt'), content);

describe('writeFolder', () => {
  it('lets the folder appear at the end', async () => {
    await writeFolder(store, `${out}/`, async (folder) => {
      await writeOne('new')(folder);
      expect(await store.stat(out)).toBeUndefined();
    });
    expect(await readFile(join(out, 'a.txt'), 'utf8')).toBe('new');
    expect(await readdir(base)).toEqual(['out']);
  });

  it('replaces the older folder as a whole', async () => {
    await store.write(join(out, 'old.txt'), 'old');
    await writeFolder(store, out, writeOne('new'));
    expect(await readdir(out)).toEqual(['a.txt']);
    expect(await readdir(base)).toEqual(['out']);
  });

  it('may be written by several at the same time; one of them is there at the end', async () => {
    const writers = ['1', '2', '3', '4'].map((content) => writeFolder(new FileStore(), out, writeOne(content)));
    await Promise.all(writers);
    expect(await readFile(join(out, 'a.txt'), 'utf8')).toMatch(/^[1-4]$/);
    expect(await readdir(base)).toEqual(['out']);
  });

  it('leaves what was there where the work fails, and nothing beside it', async () => {
    await store.write(join(out, 'old.txt'), 'old');
    const fail = async (folder: string) => {
      await writeOne('half')(folder);
      throw new Error('the disk is full');
    };
    await expect(writeFolder(store, out, fail)).rejects.toThrow('the disk is full');
    expect(await readdir(out)).toEqual(['old.txt']);
    expect(await readdir(base)).toEqual(['out']);
  });
});

describe('an output folder below a file', () => {
  it('is one that cannot be written, not one that cannot be removed', async () => {
    await writeFile(out, 'a file');
    const below = writeFolder(store, join(out, 'x'), writeOne('new'));
    await expect(below).rejects.toThrow(/^Cannot write .*a file where a folder should be/);
  });
});

describe('refuseFilled', () => {
  it('takes a new and an empty folder, and a filled one only by force', async () => {
    await refuseFilled(store, out, false);
    await store.write(join(out, 'old.txt'), 'old');
    await expect(refuseFilled(store, out, false)).rejects.toThrow(UsageError);
    await refuseFilled(store, out, true);
    await rm(join(out, 'old.txt'));
    await refuseFilled(store, out, false);
  });

  it('never takes a file', async () => {
    await writeFile(out, 'a file');
    await expect(refuseFilled(store, out, true)).rejects.toThrow('a file');
  });
});
