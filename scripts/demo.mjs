/**
 * The demo behind `npm start`: the whole walk on the real pairs of data/demo, each step the command that a user would
 * type. Its results lie in runs/demo; data/demo is left alone.
 *
 * Arguments (for example `npm start -- --backend wasm`) go to the steps that compute.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, ROOT } from './run.mjs';

const RUN = 'runs/demo';
const extra = process.argv.slice(2);
const start = Date.now();

function step(title, args) {
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`\n[${seconds} s] ${title}\n$ pnpm -s doppel ${args.join(' ')}`);
  const { status, signal } = attempt(process.execPath, ['packages/cli/dist/main.js', ...args]);
  if (status === 0) return;
  console.error(`\nThe demo stopped at this step (${signal ?? `exit code ${status}`}).`);
  process.exit(status ?? 1);
}

if (existsSync(join(ROOT, RUN))) rmSync(join(ROOT, RUN), { recursive: true });
mkdirSync(join(ROOT, RUN), { recursive: true });

const data = `${RUN}/data`;
step('Cut real Sentinel-1 and Sentinel-2 scenes into pairs of patches', [
  'data',
  'import',
  'scenes',
  'data/demo',
  '--side',
  '64',
  '--unit',
  'amplitude',
  '--out',
  data,
]);
step('Split them by place', ['data', 'split', data, '--protocol', 'data/demo/protocol.json']);
step('Look at them', ['data', 'inspect', data, '--out', `${RUN}/inspect`]);
step('Train the matching network', ['train', data, '--config', 'configs/demo.yaml', '--out', `${RUN}/base`, ...extra]);
step('Mine hard negatives: the real patches that it mistakes most', [
  'mine',
  '--model',
  `${RUN}/base/checkpoints/best.safetensors`,
  '--data',
  data,
  '--strategy',
  'loss',
  '--out',
  `${RUN}/negatives.jsonl`,
  ...extra,
]);
step('Train on with them', [
  'train',
  data,
  '--config',
  'configs/demo-mined.yaml',
  '--from',
  `${RUN}/base/checkpoints/best.safetensors`,
  '--negatives',
  `${RUN}/negatives.jsonl`,
  '--out',
  `${RUN}/mined`,
  ...extra,
]);
step('Evaluate on places that it never saw', [
  'evaluate',
  '--model',
  `${RUN}/mined/checkpoints/best.safetensors`,
  '--data',
  data,
  '--out',
  `${RUN}/evaluation`,
  ...extra,
]);
console.log(`\nDone in ${Math.round((Date.now() - start) / 1000)} s. Open ${RUN}/evaluation/report.html in a browser.`);
