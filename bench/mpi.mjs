/**
 * Training in processes of mpirun against one process: steps a second, what a shared step spends in collectives, and the
 * all-reduce against the memory's bandwidth.
 *
 *     npm run build && node bench/mpi.mjs [--preset paper-bn] [--side 64] [--positives 32] [--steps 10]
 *         [--rounds 3] [--processes 2] [--json]
 *
 * One process with as many threads as there are processes stands against processes with one thread each, in turn.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    ...{ preset: { type: 'string', default: 'paper-bn' }, side: { type: 'string', default: '64' } },
    ...{ positives: { type: 'string', default: '32' }, steps: { type: 'string', default: '10' } },
    ...{ rounds: { type: 'string', default: '3' }, processes: { type: 'string', default: '2' } },
    json: { type: 'boolean', default: false },
  },
});
const HERE = fileURLToPath(import.meta.url);
const STEP = fileURLToPath(new URL('mpi_step.mjs', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'doppel-bench-mpi-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Runs the step's script; its first process prints one line of JSON. */
function measure(processes, threads, statistics) {
  const file = join(scratch, 'task.json');
  const { preset, side, positives, steps } = flags;
  const task = { preset, side: Number(side), positives: Number(positives), steps: Number(steps), statistics };
  writeFileSync(file, JSON.stringify(task));
  const env = {
    ...process.env,
    ...{ DOPPEL_NATIVE_THREADS: String(threads), OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
  };
  const words = ['--oversubscribe', '-n', String(processes), process.execPath, STEP, file];
  return JSON.parse(execFileSync('mpirun', words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const processes = Number(flags.processes);
const CONTESTANTS = [
  { name: `1 process, ${processes} threads`, processes: 1, threads: processes, statistics: 'synchronised' },
  { name: `${processes} processes, 1 thread`, processes, threads: 1, statistics: 'synchronised' },
  { name: `${processes} processes, 1 thread, local statistics`, processes, threads: 1, statistics: 'local' },
];
const runs = CONTESTANTS.map(() => []);
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const [i, each] of CONTESTANTS.entries()) runs[i].push(measure(each.processes, each.threads, each.statistics));
}
const rows = CONTESTANTS.map(({ name }, i) => ({
  name,
  stepsPerSecond: median(runs[i].map((run) => run.stepsPerSecond)),
  best: Math.max(...runs[i].map((run) => run.stepsPerSecond)),
  inCollectives: median(runs[i].map((run) => run.inCollectives)),
  messages: runs[i][0].messages,
}));
const [reduce] = runs[1].map(({ allReduce }) => allReduce).toSorted((a, b) => a.seconds - b.seconds);
const result = { bench: basename(HERE), cpu: cpus()[0].model, load: loadavg()[0], ...flags, rows, allReduce: reduce };
if (flags.json) console.log(JSON.stringify(result));
else {
  console.log(
    `${result.cpu}, load ${result.load.toFixed(1)}; ${flags.preset}, side ${flags.side}, ${flags.positives} + as many pairs\n`,
  );
  console.log('| | steps/s, median | best | share in collectives | messages a step |\n|---|---|---|---|---|');
  for (const { name, stepsPerSecond, best, inCollectives, messages } of rows) {
    const share = `${(inCollectives * 100).toFixed(0)} %`;
    console.log(`| ${name} | ${stepsPerSecond.toFixed(2)} | ${best.toFixed(2)} | ${share} | ${messages} |`);
  }
  const { bytes, seconds, moved, bandwidth } = reduce;
  console.log(
    `\nall-reduce of ${(bytes / 1e6).toFixed(1)} MB: ${(seconds * 1e3).toFixed(1)} ms, ` +
      `${(moved / seconds / 1e9).toFixed(2)} GB/s moved of ${(bandwidth / 1e9).toFixed(2)} GB/s that a copy reaches ` +
      `(${((moved / seconds / bandwidth) * 100).toFixed(0)} %)`,
  );
}
