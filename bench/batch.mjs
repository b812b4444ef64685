/**
 * Costs of `doppel batch`: what the contract adds to an item, how two processes share a plan, and a simulation of 1 to 1,000
 * tasks at a million items with failures and slow machines.
 *
 *     npm run build && node bench/batch.mjs [--items 20000] [--pairs 512] [--backend wasm] [--million] [--json]
 *
 * `--million` also plans a million items and looks at their status; otherwise both are scaled from `--items`. Processor
 * times count where a machine is busy; wall times are of this machine as it is.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Rng } from '../packages/core/dist/base/index.js';
import { batchStatus, mergeResults, runShard, writePlan } from '../packages/core/dist/batch/index.js';
import { FileStore } from '../packages/core/dist/node.js';
import { encodePatch } from '../packages/core/dist/raster/index.js';

const { values: flags } = parseArgs({
  options: {
    items: { type: 'string', default: '20000' },
    pairs: { type: 'string', default: '512' },
    backend: { type: 'string', default: 'wasm' },
    million: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const MAIN = new URL('../packages/cli/dist/main.js', import.meta.url).pathname;
const MILLION = 1_000_000;
const scratch = mkdtempSync(join(tmpdir(), 'doppel-bench-batch-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** System calls behind a call of the store, without those that make a folder. */
const CALLS = { stat: 1, list: 1, read: 4, readRange: 3, write: 6, remove: 1 };

/** A store that counts. */
function countingStore() {
  const store = new FileStore();
  const counts = {};
  for (const name of Object.keys(CALLS)) {
    const call = store[name].bind(store);
    store[name] = (...given) => {
      counts[name] = (counts[name] ?? 0) + 1;
      return call(...given);
    };
  }
  return { store, counts };
}

async function timed(work) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}

async function* items(count) {
  for (let i = 0; i < count; i++) yield { id: `pair-${i}`, files: [], details: { ids: [`pair-${i}`] } };
}

const planOf = (folder, count) =>
  writePlan(new FileStore(), {
    ...{ folder, kind: 'nothing', settings: {}, tools: {}, root: '', inputs: 'time', items: items(count) },
  });

const bytesIn = (folder) => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

/** What an item costs that does nothing. */
async function overhead(count) {
  const folder = join(scratch, 'overhead');
  const planned = await timed(() => planOf(folder, count));
  const { plan } = planned.result;
  const { store, counts } = countingStore();
  const open = async () => ({ run: async ({ id }) => ({ rows: [{ id }] }), failedRows: () => [], close: () => {} });
  const task = { store, plan, shard: { index: 1, of: 1 }, host: { name: 'bench', pid: process.pid }, open };
  const run = await timed(() => runShard(task));
  const calls = Object.entries(counts).reduce((sum, [name, times]) => sum + CALLS[name] * times, 0);
  const again = await timed(() => runShard(task));
  const status = await timed(() => batchStatus(new FileStore(), plan));
  const merge = await timed(() => mergeResults(new FileStore(), plan, { files: [{ path: join(folder, 'merged') }] }));
  return {
    items: count,
    planBytesPerItem: bytesIn(join(folder, 'plan')) / count,
    cpuMicroseconds: {
      plan: (1e6 * planned.cpu) / count,
      run: (1e6 * run.cpu) / count,
      skip: (1e6 * again.cpu) / count,
      status: (1e6 * status.cpu) / count,
      merge: (1e6 * merge.cpu) / count,
    },
    wallMicrosecondsOfRun: (1e6 * run.wall) / count,
    systemCallsPerItem: calls / count,
  };
}

async function million() {
  const folder = join(scratch, 'million');
  const planned = await timed(() => planOf(folder, MILLION));
  const status = await timed(() => batchStatus(new FileStore(), planned.result.plan));
  return {
    planMegabytes: bytesIn(join(folder, 'plan')) / 1e6,
    planCpuSeconds: planned.cpu,
    statusCpuSecondsWithoutResults: status.cpu,
  };
}

const doppel = (...words) =>
  execFileSync(process.execPath, [MAIN, 'batch', ...words], { encoding: 'utf8', stdio: 'pipe' });

/** Seconds of the items of a small plan. */
function secondsIn(folder) {
  const bucket = join(folder, 'results/00000');
  const heads = readdirSync(bucket).map((name) => readFileSync(join(bucket, name), 'utf8').split('\n')[0]);
  return heads.map((head) => JSON.parse(head).seconds);
}

/** Wall time of a fixed plan by one process and by two, seconds of its items, and of a process and its model to start. */
async function processes(pairs) {
  const rng = Rng.derive(1, 'patches');
  const patch = (bands) => {
    const data = Float32Array.from({ length: 64 * 64 * bands }, () => rng.int(255) + 1);
    return encodePatch({ width: 64, height: 64, bands, data, unit: 'digital number' }).bytes;
  };
  for (let i = 0; i < 8; i++) {
    writeFileSync(join(scratch, `${i}.sar.png`), patch(1));
    writeFileSync(join(scratch, `${i}.optical.png`), patch(3));
  }
  const rows = Array.from(
    { length: pairs },
    (_, i) => `{"sar":"${i % 8}.sar.png","optical":"${(i + 1) % 8}.optical.png"}\n`,
  );
  writeFileSync(join(scratch, 'pairs.jsonl'), rows.join(''));
  writeFileSync(join(scratch, 'pair.jsonl'), rows[0]);
  const planned = (name, manifest) => {
    const folder = join(scratch, name);
    doppel('plan', 'score', join(scratch, manifest), '--out', folder, '--chunk', '16');
    return folder;
  };
  const run = async (folder, ...more) =>
    (await timed(() => doppel('run', folder, '--backend', flags.backend, ...more))).wall;
  const wall = {};
  let seconds = [];
  for (const count of [1, 2]) {
    const folder = planned(`plan-${count}`, 'pairs.jsonl');
    wall[count] = await run(folder, '--submit', 'local', '--shards', String(count), '--at-once', String(count));
    seconds = secondsIn(folder);
  }
  const one = planned('plan-start', 'pair.jsonl');
  const whole = await run(one);
  return {
    pairs,
    backend: flags.backend,
    wallSeconds: wall,
    ratio: wall[1] / wall[2],
    secondsOfAProcess: whole - secondsIn(one)[0],
    seconds,
  };
}

/** Seconds of a task with its share of the items: measured times, 1 % of items done twice, 2 % of tasks 3 times slower. */
function secondsOfTask(count, seconds, rng, { start, perItem }) {
  const slow = rng.float() < 0.02 ? 3 : 1;
  let sum = start;
  for (let i = 0; i < count; i++) {
    const item = seconds[Math.floor(rng.float() * seconds.length)];
    sum += slow * item * (rng.float() < 0.01 ? 2 : 1) + perItem;
  }
  return sum;
}

/** End of the last task, where free machines take the next shard. */
function makespan(machines, shards, seconds, costs) {
  const rng = Rng.derive(7, 'simulation', machines, shards);
  const free = new Float64Array(machines);
  for (let shard = 0; shard < shards; shard++) {
    let next = 0;
    for (let i = 1; i < machines; i++) if (free[i] < free[next]) next = i;
    const count = Math.floor((MILLION * (shard + 1)) / shards) - Math.floor((MILLION * shard) / shards);
    free[next] += secondsOfTask(count, seconds, rng, costs);
  }
  return Math.max(...free);
}

function simulation(seconds, costs) {
  const ideal = (MILLION * seconds.reduce((a, b) => a + b, 0)) / seconds.length;
  return [1, 10, 100, 1000].flatMap((machines) =>
    [1, 8].map((shardsPerMachine) => {
      const hours = makespan(machines, machines * shardsPerMachine, seconds, costs) / 3600;
      return { machines, shards: machines * shardsPerMachine, hours, efficiency: ideal / 3600 / machines / hours };
    }),
  );
}

const contract = await overhead(Number(flags.items));
const shared = await processes(Number(flags.pairs));
const { seconds, ...together } = shared;
const costs = { start: together.secondsOfAProcess, perItem: contract.wallMicrosecondsOfRun / 1e6 };
const report = {
  machine: `${cpus()[0]?.model}, ${cpus().length} processors, load ${loadavg()[0].toFixed(1)}`,
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  contract,
  ...(flags.million && { million: await million() }),
  processes: together,
  simulation: simulation(seconds, costs),
};
console.log(JSON.stringify(report, null, flags.json ? 0 : 1));
