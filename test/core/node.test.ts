import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileError } from '../../packages/core/src/errors.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { MemoryStore, type Store } from '../../packages/core/src/store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** One contract, every store. */
describe.each<[string, () => Store, () => string]>([
  ['FileStore', () => new FileStore(), () => folder],
  ['MemoryStore', () => new MemoryStore(), () => 'root'],
])('%s', (_, make, root) => {
  it('reads what it wrote, whole and in ranges', async () => {
    const store = make();
    const path = `${root()}/a/b.bin`;
    await store.write(path, Uint8Array.of(1, 2, 3, 4, 5));
    expect([...(await store.read(path))]).toEqual([1, 2, 3, 4, 5]);
    expect([...(await store.readRange(path, 1, 3))]).toEqual([2, 3, 4]);
    expect([...(await store.readRange(path, 3, 100))]).toEqual([4, 5]);
    expect(await store.stat(path)).toMatchObject({ size: 5, kind: 'file' });
    expect((await store.stat(`${root()}/a`))?.kind).toBe('folder');
    expect(await store.stat(`${root()}/none`)).toBeUndefined();
  });

  it('lists names, appends and removes', async () => {
    const store = make();
    await store.append(`${root()}/x/log`, 'one\n');
    await store.append(`${root()}/x/log`, 'two\n');
    await store.write(`${root()}/x/a`, '');
    expect(new TextDecoder().decode(await store.read(`${root()}/x/log`))).toBe('one\ntwo\n');
    expect(await store.list(`${root()}/x`)).toEqual(['a', 'log']);
    await store.remove(`${root()}/x`);
    expect(await store.stat(`${root()}/x/log`)).toBeUndefined();
  });

  it('writes a new file where nothing is, once for all who try', async () => {
    const store = make();
    const path = `${root()}/new/file`;
    const tries = ['1', '2', '3', '4'].map((text) => store.writeNew(path, text.repeat(10_000)));
    const won = await Promise.all(tries);
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(new TextDecoder().decode(await store.read(path))).toBe(`${won.indexOf(true) + 1}`.repeat(10_000));
    expect(await store.writeNew(path, 'later')).toBe(false);
    expect(await store.stat(path)).toMatchObject({ size: 10_000 });
    expect(await store.list(`${root()}/new`)).toEqual(['file']);
  });

  it('names the file that is missing', async () => {
    const missing = make().read(`${root()}/missing`);
    await expect(missing).rejects.toThrow(FileError);
    await expect(missing).rejects.toThrow(/missing/);
  });
});

describe('FileStore', () => {
  it('leaves the old content and no temporary file when a write fails', async () => {
    const store = new FileStore();
    const path = join(folder, 'kept');
    await store.write(path, 'old');
    // A folder of the same name makes the rename fail after the temporary file was written.
    const blocked = join(folder, 'blocked');
    await store.write(join(blocked, 'inside'), 'x');
    await expect(store.write(blocked, 'new')).rejects.toThrow(FileError);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['blocked', 'kept']);
  });

  it('says that a disk is full', async () => {
    await expect(new FileStore().append('/dev/full', 'x')).rejects.toThrow(/full disk.*Free some space/);
  });
});

it.skipIf(process.platform !== 'linux')('a file system without folders is an error, not an endless wait', async () => {
  await expect(new FileStore().write('/proc/doppel/a/b', '')).rejects.toThrow('takes no folders');
});
