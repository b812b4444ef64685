/** The packages as others get them: packed, installed into an empty folder, run there on Node and on Deno. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import { BOX } from '@doppel/models';
import { encode } from 'fast-png';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCheckpoint } from '../server/tiny_model.mjs';
import { PACKAGES, ROOT } from './source_imports.ts';

const NAMES = [...PACKAGES.keys()];
const DENO = join(createRequire(import.meta.url).resolve('deno/package.json'), '../deno');
const INSTALL_TIMEOUT = 300_000;

const folderOf = (name: string) => join(ROOT, PACKAGES.get(name)!);
const readJson = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

const home = mkdtempSync(join(tmpdir(), 'doppel-packages-'));
const tarballs = new Map<string, string>();
beforeAll(() => {
  for (const [name, tarball] of pack(NAMES, home)) tarballs.set(name, tarball);
}, INSTALL_TIMEOUT);
afterAll(() => rmSync(home, { recursive: true }));

describe.each(NAMES)('the package %s', (name) => {
  const manifest = readJson(folderOf(name), 'package.json');

  it('has a manifest without faults', { timeout: INSTALL_TIMEOUT }, async () => {
    const { messages, pkg } = await publint({ pack: { tarball: tarballOf(name) }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('says the same to Deno as to npm', () => {
    const forDeno = readJson(folderOf(name), 'deno.json');
    const { version, license } = manifest;
    const sources = Object.entries<{ source: string }>(manifest.exports).map(([entry, { source }]) => [entry, source]);
    // The CLI is a program: npm runs its bin, Deno its only export.
    const exports = manifest.bin && sources.length === 0 ? { '.': './src/main.ts' } : Object.fromEntries(sources);
    expect(forDeno).toMatchObject({ name: manifest.name, version, license, exports });
  });

  it('can be published to JSR', { timeout: INSTALL_TIMEOUT }, () => {
    // Types that zod infers are "slow": allowed, for writing each out by hand would be a second definition.
    const args = ['publish', '--dry-run', '--allow-dirty', '--allow-slow-types', '--no-check'];
    const { status, stderr } = spawnSync(DENO, args, { cwd: folderOf(name), encoding: 'utf8' });
    expect(stderr).toContain('Dry run complete');
    expect(status).toBe(0);
  });
});

describe('in an empty folder', () => {
  let offline = '';

  beforeAll(async () => {
    writeFileSync(join(home, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs.values()];
    const { status, stderr } = spawnSync('npm', args, { cwd: home, encoding: 'utf8' });
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH/.test(stderr)) offline = stderr.split('\n')[0]!;
    else expect(stderr, 'npm install').not.toMatch(/npm error/);
    if (!offline) expect(status).toBe(0);
    await selectBackend({ requested: 'cpu' });
    writeFileSync(join(home, 'model.safetensors'), tinyCheckpoint());
    writeFileSync(join(home, 'patch.png'), grayPatch(64));
  }, INSTALL_TIMEOUT);

  const onNode = (...args: string[]) => execFileSync(process.execPath, args, { cwd: home, encoding: 'utf8' });
  const onDeno = (...args: string[]) =>
    execFileSync(DENO, ['run', '-A', ...args], { cwd: home, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const cli = 'node_modules/@doppel/cli/dist/main.js';
  const boxed = BOX.map(({ name }) => name);
  const score = ['score', '--model', 'model.safetensors', '--sar', 'patch.png', '--optical', 'patch.png', '--json'];

  it.for([
    ['Node', onNode],
    ['Deno', onDeno],
  ] as const)(
    'the model in the box scores a pair without being named, on %s',
    { timeout: INSTALL_TIMEOUT },
    ([, run], { skip }) => {
      if (offline) skip(`the npm registry is out of reach: ${offline}`);
      const pair = ['sar', 'optical'].flatMap((kind) => [`--${kind}`, join(ROOT, 'data/demo', kind, '100.tif')]);
      const { model, probability } = JSON.parse(
        run(cli, 'score', ...pair, '--crop', 'centre', '--backend', 'wasm', '--json'),
      );
      expect(model).toBe(boxed[0]);
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThan(1);
      for (const name of boxed) expect(existsSync(join(home, 'node_modules/@doppel/models', `${name}.md`))).toBe(true);
    },
  );

  it.for([
    ['Node', onNode],
    ['Deno', onDeno],
  ] as const)(
    'every entry loads, and the CLI scores a pair, on %s',
    { timeout: INSTALL_TIMEOUT },
    ([, run], { skip }) => {
      if (offline) skip(`the npm registry is out of reach: ${offline}`);
      const entries = NAMES.flatMap((name) => {
        const { exports } = readJson(folderOf(name), 'package.json');
        return Object.keys(exports).map((entry) => `@doppel/${name}${entry.slice(1)}`);
      });
      const script = entries
        .map((entry) => `console.log(Object.keys(await import('${entry}')).length > 0);`)
        .join('\n');
      writeFileSync(join(home, 'entries.mjs'), script);
      expect(run('entries.mjs').trim().split('\n')).toEqual(entries.map(() => 'true'));
      const { backends } = JSON.parse(run(cli, 'doctor', '--json'));
      expect(backends.native.available || backends.native.reason).toBeTruthy();
      const { probability } = JSON.parse(run(cli, ...score, '--backend', 'wasm'));
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThan(1);
    },
  );
});

/** @returns paths of the tarballs, by name. */
function pack(names: readonly string[], to: string): [string, string][] {
  const folder = join(to, 'tarballs');
  mkdirSync(folder, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...names.map(folderOf)];
  const packed: { name: string; filename: string }[] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' }));
  return packed.map(({ name, filename }) => [name.slice('@doppel/'.length), join(folder, filename)]);
}

function tarballOf(name: string): ArrayBuffer {
  return new Uint8Array(readFileSync(tarballs.get(name)!)).buffer;
}

function grayPatch(side: number): Uint8Array {
  const data = Uint8Array.from({ length: side * side }, (_, i) => (i * 37 + (i >> 6) * 11) % 251);
  return encode({ width: side, height: side, data, channels: 1, depth: 8 });
}
