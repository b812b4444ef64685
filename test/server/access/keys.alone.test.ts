/** Keys in their file: hashed, found by their text alone, read again when the file changes. */
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { keyOf, newKey } from '../../../packages/server/src/access/keys.ts';
import { KeysFile, readKeys, writeKeys } from '../../../packages/server/src/access/keys_file.ts';

vi.mock(import('node:fs/promises'), async (original) => {
  const actual = await original();
  return { ...actual, readFile: vi.fn(actual.readFile) as unknown as typeof actual.readFile };
});

const folder = mkdtempSync(join(tmpdir(), 'doppel-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('makes keys of 256 random bits, and stores their hash', () => {
  const [one, two] = [newKey({ name: 'a', scopes: ['match'] }), newKey({ name: 'b', scopes: ['admin'] })];
  expect(one.text).toMatch(/^doppel_[\w-]{43}$/);
  expect(one.text).not.toBe(two.text);
  expect(JSON.stringify(one.key)).not.toContain(one.text.slice(7));
  const keys = [one.key, two.key];
  expect(keyOf(keys, one.text)).toBe(one.key);
  expect(keyOf(keys, two.text)).toBe(two.key);
  for (const text of ['', one.text.slice(0, -1), `${one.text}x`, one.key.sha256, 'doppel_']) {
    expect(keyOf(keys, text)).toBeUndefined();
  }
});

it('writes a file that only its owner reads, whole or not at all', async () => {
  const file = join(folder, 'keys.json');
  const { key, text } = newKey({ name: 'a', scopes: ['match', 'search'], requestsPerMinute: 3 });
  await writeKeys(file, [key]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain(text);
  expect(await readKeys(file)).toEqual([key]);
  await expect(writeKeys(join(folder, 'no', 'keys.json'), [])).rejects.toMatchObject({ tag: 'file' });
  expect(readdirSync(folder)).toEqual(['keys.json']);
});

it('keeps the owner and the mode of the file that is there', async () => {
  const file = join(folder, 'owned.json');
  await writeKeys(file, []);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(file, 1234, 4321); // others may not give files away
  chmodSync(file, 0o640);
  const before = statSync(file);
  await writeKeys(file, [newKey({ name: 'a', scopes: ['match'] }).key]);
  const after = statSync(file);
  expect(after.ino).not.toBe(before.ino);
  expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode]);
  if (isRoot) expect([after.uid, after.gid]).toEqual([1234, 4321]);
});

it.each([
  ['noise', 'noise'],
  ['another version', '{"version": 2, "keys": []}'],
  ['an unknown scope', '{"version": 1, "keys": [{"name": "a", "scopes": ["root"], "sha256": "", "created": ""}]}'],
])('refuses a file of %s', async (name, content) => {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, content);
  await expect(readKeys(file)).rejects.toMatchObject({ tag: 'format', message: expect.stringContaining(name) });
});

it('says how to make a file that is not there', async () => {
  await expect(readKeys(join(folder, 'none'))).rejects.toThrow(/doppel serve keys add/);
});

it('reads the file again when it has changed, and keeps the last keys while it is broken', async () => {
  const file = join(folder, 'changing.json');
  const log: string[] = [];
  const [one, two] = ['a', 'b'].map((name) => newKey({ name, scopes: ['match'] }).key);
  await writeKeys(file, [one!]);
  const keys = await KeysFile.open(file, (line) => log.push(line));
  const names = async () => (await keys.keys()).map(({ name }) => name).join();
  expect(await names()).toBe('a');
  await writeKeys(file, [one!, two!]);
  await vi.waitFor(async () => expect(await names()).toBe('a,b'), { timeout: 5000, interval: 50 });
  writeFileSync(file, '{');
  await vi.waitFor(
    async () => {
      await keys.keys();
      expect(log.at(-1)).toMatch(/stay in force/);
    },
    { timeout: 5000, interval: 50 },
  );
  expect(await names()).toBe('a,b');
  await writeKeys(file, []);
  await vi.waitFor(async () => expect(await names()).toBe(''), { timeout: 5000, interval: 50 });
});

const named = (name: string) => newKey({ name, scopes: ['match'] }).key;
const namesIn = async (keys: KeysFile) => (await keys.keys()).map(({ name }) => name).join();

it('sees a change within the file that keeps its size and its time of modification', async () => {
  const file = join(folder, 'same size.json');
  await writeKeys(file, [named('a')]);
  const [{ ino, size, atime, mtime }, text] = [statSync(file), readFileSync(file, 'utf8')];
  utimesSync(file, atime, mtime);
  const { mtimeNs } = statSync(file, { bigint: true });
  const keys = await KeysFile.open(file, () => {});
  writeFileSync(file, text.replace('"a"', '"b"'));
  utimesSync(file, atime, mtime);
  const after = statSync(file, { bigint: true });
  expect([after.ino, after.size, after.mtimeNs]).toEqual([BigInt(ino), BigInt(size), mtimeNs]);
  await vi.waitFor(async () => expect(await namesIn(keys)).toBe('b'), { timeout: 5000, interval: 50 });
});

it('sees a change that came while the file was read for the first time', async () => {
  const file = join(folder, 'raced.json');
  await writeKeys(file, [named('a')]);
  const old = readFileSync(file, 'utf8');
  vi.mocked(readFile).mockImplementationOnce(async () => {
    await writeKeys(file, [named('b')]);
    return old;
  });
  const keys = await KeysFile.open(file, () => {});
  expect(await namesIn(keys)).toBe('a');
  await vi.waitFor(async () => expect(await namesIn(keys)).toBe('b'), { timeout: 5000, interval: 50 });
});
