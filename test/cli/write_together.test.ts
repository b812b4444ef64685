import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureWritable, writeTogether } from '../../packages/cli/src/write_together.ts';
import { FileError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-together-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('all files appear, in new folders too, over older ones, and nothing else', async () => {
  await writeFile(join(folder, 'a.txt'), 'old');
  await writeTogether(
    new FileStore(),
    folder,
    new Map([
      ['a.txt', 'new'],
      ['plots/b.txt', 'b'],
    ]),
  );
  expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('new');
  expect(await readFile(join(folder, 'plots/b.txt'), 'utf8')).toBe('b');
  expect((await readdir(folder)).sort()).toEqual(['a.txt', 'plots']);
});

test('a failure half way leaves the older files alone', async () => {
  await writeFile(join(folder, 'a.txt'), 'old');
  class FullDisk extends FileStore {
    override async write(path: string, bytes: Uint8Array | string): Promise<void> {
      if (path.endsWith('b.txt')) throw new FileError({ action: 'write', file: path, found: 'a full disk' });
      return super.write(path, bytes);
    }
  }
  const writing = writeTogether(
    new FullDisk(),
    folder,
    new Map([
      ['a.txt', 'new'],
      ['b.txt', 'b'],
    ]),
  );
  await expect(writing).rejects.toThrow(/full disk/);
  expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['a.txt']);
});

test('a folder that cannot be written is found out beforehand, one that can is left as it was', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(ensureWritable(new FileStore(), join(folder, 'file', 'out'))).rejects.toThrow(FileError);
  await ensureWritable(new FileStore(), join(folder, 'new'));
  expect(await readdir(join(folder, 'new'))).toEqual([]);
});
