/** `doppel serve keys`: makes, lists and removes keys; the file never holds one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readKeys } from '../../packages/server/src/access/keys_file.ts';
import { runDoppel } from './run_command.ts';

const folder = mkdtempSync(join(tmpdir(), 'doppel-serve-keys-'));
const file = join(folder, 'keys.json');
afterAll(() => rmSync(folder, { recursive: true }));

const keys = (line: string) => runDoppel(['serve', 'keys', ...line.split(' '), '--keys', file]);

it('makes keys, lists them and removes them', async () => {
  const { stdout, log } = await keys('add harbour --scope match,search --rate 60 --quota 1000000');
  expect(stdout).toMatch(/^doppel_[\w-]{43}\n$/);
  expect(log.join()).toMatch(/keep the key now/);
  expect(readFileSync(file, 'utf8')).not.toContain(stdout.trim());
  const made = JSON.parse((await keys('add lab --scope admin --json')).stdout);
  expect(made).toMatchObject({ name: 'lab', scopes: ['admin'] });
  expect((await keys('list')).stdout).toMatch(
    /^harbour {2}match,search {2}60 requests a minute {2}1000000 bytes a day {2}since \S+\nlab {2}admin {2}since \S+\n$/,
  );
  const listed = (await keys('list --json')).stdout;
  expect(JSON.parse(listed).keys).toHaveLength(2);
  expect(listed).not.toMatch(/sha256/);
  expect((await keys('remove harbour')).stdout).toBe('Removed harbour; 1 left.\n');
  expect((await readKeys(file)).map(({ name }) => name)).toEqual(['lab']);
});

it.each([
  ['add lab --scope match', /a key of that name.*remove lab/],
  ['add x --scope root', /--scope.*match, search, register, admin/],
  ['add x', /--scope/],
  ['add a/b --scope match', /NAME/],
  ['remove nobody', /one of the keys lab/],
])('refuses %s', async (line, message) => {
  await expect(keys(line)).rejects.toThrow(message);
});

it('says that there is no such file', async () => {
  await expect(runDoppel(['serve', 'keys', 'list', '--keys', join(folder, 'none')])).rejects.toThrow(/keys add/);
});
