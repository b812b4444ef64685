/** The published package: what is in it, that its install script builds the addon, and what is said where it cannot. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skipReason, title } from './addon.ts';

const source = fileURLToPath(new URL('../../packages/native-cuda', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'doppel-package-'));
const installed = join(folder, 'node_modules/@doppel/native-cuda');
let files: string[] = [];

/** Beside the package lie those that it needs, but for the build tools where they are left out. */
function linkNeighbours(names: readonly string[]): void {
  for (const name of names) {
    const to = join(folder, 'node_modules', name);
    mkdirSync(join(to, '..'), { recursive: true });
    if (!existsSync(to)) symlinkSync(realpathSync(join(source, 'node_modules', name)), to);
  }
}

function node(args: readonly string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return stdout;
}

const load = `
  import { loadAddon } from '@doppel/native-cuda';
  const loaded = loadAddon();
  console.log(loaded.available ? loaded.addon.isas().join() : loaded.reason);`;
const install = join(installed, 'scripts/build.mjs');

beforeAll(() => {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: source,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  files = packed!.files.map(({ path }) => path);
  mkdirSync(installed, { recursive: true });
  spawnSync('tar', ['-xzf', join(folder, packed!.filename), '--strip-components=1', '-C', installed]);
  linkNeighbours(['@doppel/core', '@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu']);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('has what its addon is built from, and no tests', () => {
    expect(files).toEqual(
      expect.arrayContaining(['CMakeLists.txt', 'cc/ops.def', 'cc/border/addon.cc', 'dist/index.js']),
    );
    expect(files.filter((path) => /^(emulator|build)\/|\.node$|sanitize/.test(path))).toEqual([]);
  });

  it('says why there is no addon and how to build it where its install script was not run', () => {
    const reason = node(['--input-type=module', '-e', load]);
    expect(reason).toMatch(/doppel_native\.node is missing/);
    expect(reason).toContain(`Build it with \`node ${realpathSync(install)}\``);
  });

  it('installs without compiler or build tools, and the loader gives the reason', () => {
    const nothing = { DOPPEL_NATIVE_CACHE: '', PATH: folder };
    expect(node([install, '--install'], nothing)).toMatch(/not built: cmake was not found/);
    expect(node(['--input-type=module', '-e', load])).toMatch(/is missing \(the build: cmake was not found\.\)/);
  });

  it.skipIf(skipReason)(title('builds its addon'), { timeout: 600_000 }, () => {
    linkNeighbours(['cmake-js', 'node-addon-api', 'node-api-headers']);
    node([install, '--install', '--require']);
    expect(node(['--input-type=module', '-e', load])).toMatch(/generic/);
  });
});
