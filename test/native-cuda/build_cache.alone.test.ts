/** Built files by what they come from: taken from another checkout's build where nothing differs, and only there. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keep, keyOf, takeFromCache } from '../../packages/native-cuda/scripts/build_cache.mjs';

const folder = mkdtempSync(join(tmpdir(), 'doppel-cache-'));
const before = process.env.DOPPEL_NATIVE_CACHE;
let checkouts = 0;

/** A package with one source. */
function checkout(source: string, version = '1.0.0'): string {
  const root = join(folder, `checkout${checkouts++}`);
  mkdirSync(join(root, 'cc'), { recursive: true });
  writeFileSync(join(root, 'cc/addon.cc'), source);
  writeFileSync(join(root, 'CMakeLists.txt'), 'project(addon)');
  writeFileSync(join(root, 'package.json'), JSON.stringify({ version, optionalDependencies: {} }));
  return root;
}

const key = (root: string, more: { compiler?: string; architectures?: string[] } = {}) =>
  keyOf({ root, folders: ['cc'], ...more });

beforeEach(() => {
  process.env.DOPPEL_NATIVE_CACHE = join(folder, 'cache');
});
afterEach(() => {
  if (before === undefined) delete process.env.DOPPEL_NATIVE_CACHE;
  else process.env.DOPPEL_NATIVE_CACHE = before;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the cache of built addons', () => {
  it('has one key for the same sources, wherever they lie', () => {
    expect(key(checkout('a'))).toBe(key(checkout('a', '2.0.0')));
    expect(key(checkout('a'))).not.toBe(key(checkout('b')));
    const root = checkout('a');
    expect(key(root)).not.toBe(key(root, { architectures: ['90'] }));
    expect(key(root)).not.toBe(key(root, { compiler: process.execPath }));
  });

  it('hands a build to another checkout, and leaves it alone there', () => {
    const [one, other] = [checkout('a'), checkout('a')];
    const built = join(one, 'build/addon.node');
    mkdirSync(join(one, 'build'));
    writeFileSync(built, 'built');
    keep(built, key(one));
    const file = join(other, 'build/addon.node');
    expect(takeFromCache(file, [key(checkout('b'))])).toBe(false);
    expect(existsSync(file)).toBe(false);
    expect(takeFromCache(file, [key(other)])).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('built');
    writeFileSync(file, 'built here');
    expect(takeFromCache(file, [key(other)])).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('built here');
  });

  it('is turned off by an empty name', () => {
    process.env.DOPPEL_NATIVE_CACHE = '';
    const root = checkout('c');
    const file = join(root, 'addon.node');
    writeFileSync(file, 'built');
    keep(file, key(root));
    expect(takeFromCache(join(root, 'copy.node'), [key(root)])).toBe(false);
    expect(takeFromCache(file, [key(root)])).toBe(true);
  });
});
