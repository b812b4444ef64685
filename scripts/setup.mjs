/**
 * Everything that a fresh clone needs, from Node and npm alone: pnpm, the packages (Deno among them), the build.
 * What is up to date is left alone, so that `npm start` and `npm test` can call it every time. `--without-addon` leaves
 * the addon out; other flags go to its build script.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

const MINIMUM_NODE = [20, 17];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  console.error(`doppel needs Node ${MINIMUM_NODE.join('.')} or later, this is ${process.versions.node}.`);
  process.exit(1);
}

/** Changes with whatever decides about the installed packages. */
function fingerprint() {
  const hash = createHash('sha256');
  const packages = readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`);
  const folders = ['.', 'models', ...packages, 'test'];
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...folders.map((folder) => `${folder}/package.json`)];
  for (const file of files) hash.update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

function install() {
  const stamp = join(ROOT, 'node_modules/.doppel-setup');
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  console.log(`Installing packages with ${packageManager} …`);
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, npm_config_loglevel: 'error' },
  });
  writeFileSync(stamp, wanted);
}

checkNode();
install();
console.log('Building …');
run('node', ['scripts/build.mjs']);
if (!process.argv.includes('--without-addon')) {
  run('node', ['packages/native-cuda/scripts/build.mjs', ...process.argv.slice(2)]);
}
