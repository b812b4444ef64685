/**
 * Checks the backend `cuda` on a machine with a card, part by part; each part ends with one line of JSON on stdout, so that a run
 * that is cut short still tells something. Everything else goes to stderr.
 *
 *     node check.mjs [--emulated] [--seconds 480] [--python python3]
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    emulated: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '480' },
    python: { type: 'string', default: 'python3' },
  },
});
const backend = flags.emulated ? 'cuda-emulated' : 'cuda';
const here = import.meta.dirname;
const home = join(here, '../..');
const end = performance.now() + 1000 * Number(flags.seconds);
/** Names of tests on this device; those of the emulator begin alike. */
const device = `(device|backend) ${backend}(?![-\\w])`;

interface Outcome {
  status: number | null;
  stdout: string;
}

/** Runs a program until it ends or the time is up. */
function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: Math.max(1, Math.ceil(end - performance.now())),
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.on('error', (error) => resolve({ status: 1, stdout: JSON.stringify({ error: error.message }) }));
    child.on('close', (status) => resolve({ status, stdout }));
  });
}

const node = (script: string, ...args: string[]) => run(process.execPath, [join(here, script), ...args]);
const suites = (pattern: string, ...names: string[]) => node('suites.mjs', pattern, ...names);
const doppel = (...args: string[]) => node('main.mjs', ...args, '--backend', backend, '--json');

/** The last line of JSON that a program printed, or what it printed instead. */
function resultOf(stdout: string): unknown {
  const lines = stdout.trim().split('\n');
  for (const text of [stdout, lines.at(-1)!]) {
    try {
      return JSON.parse(text);
    } catch {}
  }
  return { printed: stdout.slice(-2000) };
}

function card(): Promise<Outcome> {
  if (flags.emulated) return node('main.mjs', 'doctor', '--json');
  const query = 'name,driver_version,compute_cap,memory.total,clocks.max.sm,clocks.max.mem,power.limit';
  const { status, stdout } = spawnSync('nvidia-smi', [`--query-gpu=${query}`, '--format=csv'], { encoding: 'utf8' });
  return Promise.resolve({ status, stdout: JSON.stringify({ card: stdout }) });
}

/** Sizes at which a card is busy, or that the emulator computes in a minute. */
const sizes = flags.emulated ? ['--size', '64', '--batch', '4', '--repeats', '1'] : ['--size', '112', '--batch', '64'];
const generatorSizes = flags.emulated ? ['--size', '8', '--batch', '4', '--repeats', '1'] : [];
const denseSizes = flags.emulated ? ['--batch', '2', '--pairs', '2', '--tile', '64', '--repeats', '1'] : [];
const precisions = flags.emulated ? ['fp32'] : ['fp32', 'tf32', 'bf16'];

const PARTS: readonly (readonly [name: string, part: () => Promise<Outcome>])[] = [
  ['card and driver', card],
  ['parity of every op', () => suites(device, 'parity', 'kernels')],
  ['reference values', () => doppel('verify', join(home, 'golden'))],
  ['training steps and what they copy', () => suites(`${device}.*(trains the|rounds|masks|reads)`, 'cuda')],
  ['determinism', () => suites(`${device}.*same bits|emulated device.*same bits`, 'cuda')],
  ['steps as graphs, and memory', () => suites(`${device}`, 'graph')],
  [
    'a lost device, no memory left',
    () => suites(`${device}.*out of memory|emulated device.*(memory runs out|lost)`, 'cuda'),
  ],
  ...precisions.flatMap((precision) => [
    [`convolutions, ${precision}`, () => doppel('bench', 'ops', ...sizes, '--precision', precision)] as const,
    [
      `steps of the matcher, ${precision}`,
      () => doppel('bench', 'matcher', '--graph', ...sizes, '--precision', precision),
    ] as const,
    [`both by PyTorch, ${precision}`, () => torch(precision)] as const,
  ]),
  ['steps of the generator', () => doppel('bench', 'generator', '--graph', ...generatorSizes)],
  ['steps of the dense matcher', () => doppel('bench', 'dense', ...denseSizes)],
];

/** The same sizes by PyTorch, in turn with ours. */
async function torch(precision: string): Promise<Outcome> {
  const hasTorch = !flags.emulated && spawnSync(flags.python, ['-c', 'import torch; torch.cuda.init()']).status === 0;
  if (hasTorch) return run(flags.python, [join(home, 'torch_peer.py'), '--precision', precision]);
  return { status: 0, stdout: JSON.stringify({ leftOut: `${flags.python} has no PyTorch that sees a card` }) };
}

let failed = 0;
for (const [part, work] of PARTS) {
  const started = performance.now();
  const isLate = started >= end;
  if (!isLate) console.error(`${part} …`);
  const { status, stdout } = isLate ? { status: null, stdout: '"no time was left"' } : await work();
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const ok = status === 0;
  if (!ok) failed++;
  console.log(JSON.stringify({ part, ok, seconds, result: resultOf(stdout) }));
}
console.log(JSON.stringify({ part: 'all', ok: failed === 0, parts: PARTS.length, failed }));
process.exit(failed === 0 ? 0 : 1);
