/** The archive for machines with a card, as far as one without can show: it is whole, and says that there is no card. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** The release's checks pack it, `npm test` does not: Node has to be fetched. */
const reason = process.env.DOPPEL_TEST_ALL ? '' : ' (skipped: `npm test -- --all` packs it)';
const home = mkdtempSync(join(tmpdir(), 'doppel-gpu-check-'));
afterAll(() => rmSync(home, { recursive: true }));

it.skipIf(reason)(`packs Node, suites and sources, and finds no card here${reason}`, { timeout: 300_000 }, () => {
  const archive = join(home, 'check.tar.xz');
  execFileSync(process.execPath, ['scripts/pack_gpu_check.mjs', '--fast', '--out', archive], { cwd: ROOT });
  execFileSync('tar', ['xJf', archive, '-C', home]);
  const folder = join(home, 'doppel-gpu-check');
  for (const file of ['node', 'native-cuda/cc', 'native-cuda/check/suites.mjs', 'headers/node/node_api.h']) {
    expect(existsSync(join(folder, file)), file).toBe(true);
  }
  expect(statSync(join(folder, 'node')).size).toBeGreaterThan(20e6);
  expect(execFileSync(join(folder, 'node'), ['-p', '1 + 1'], { encoding: 'utf8' }).trim()).toBe('2');
  // No nvidia-smi on the path, whatever this machine has, and no Node.
  const path = join(home, 'bin');
  mkdirSync(path);
  for (const program of ['bash', 'dirname', 'head']) {
    const [found] = execFileSync('which', [program], { encoding: 'utf8' }).split('\n');
    symlinkSync(found!, join(path, program));
  }
  const { status, stdout, stderr } = spawnSync('./run.sh', { cwd: folder, env: { PATH: path }, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toContain('There is no card');
  expect(stdout).toBe('');
});
