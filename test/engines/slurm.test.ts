/** A plan on a real Slurm: a task is killed and queued again, half of the array is cancelled and resumed, one item fails. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKEN, doppel, ITEMS, linesOf, makePairs, reasonToSkip, until } from './engines.ts';
import { type SlurmCluster, startSlurm } from './slurm_cluster.ts';

const reason =
  process.getuid?.() === 0 ? reasonToSkip('munged', 'slurmctld', 'slurmd', 'sbatch') : 'Slurm is set up as root only';

let cluster: SlurmCluster;
let folder: string;
let plan: string;

beforeAll(async () => {
  if (reason) return;
  cluster = await startSlurm();
});
afterAll(async () => {
  await cluster?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const submit = async (...flags: string[]) => {
  const words = ['batch', 'run', plan, '--submit', 'slurm', '--shards', '4', '--backend', 'wasm', '--json', ...flags];
  const { stdout, stderr } = await doppel(words, cluster.env);
  expect(stderr).not.toContain('error');
  return JSON.parse(stdout).job as string;
};

/** Process of the runner at work on a shard. */
function runnerOf(shard: number): number | undefined {
  for (const name of namesIn('runners')) {
    if (!name.startsWith(`${shard}-of-4.`) || !name.endsWith('.json')) continue;
    const { pid, state } = JSON.parse(readFileSync(join(plan, 'runners', name), 'utf8'));
    if (state === 'running') return pid;
  }
  return undefined;
}

/** Halts the runners of shards as soon as they are at work, which takes a moment only. @returns their processes. */
async function frozen(...shards: number[]): Promise<number[]> {
  const halted = new Map<number, number>();
  await until(() => {
    for (const shard of shards) {
      const pid = halted.has(shard) ? undefined : runnerOf(shard);
      if (pid === undefined) continue;
      process.kill(pid, 'SIGSTOP');
      halted.set(shard, pid);
    }
    return halted.size === shards.length;
  });
  return shards.map((shard) => halted.get(shard)!);
}

const namesIn = (name: string): string[] => {
  try {
    return readdirSync(join(plan, name));
  } catch {
    return []; // not yet
  }
};

const stateOf = (task: string) =>
  /JobState=(\w+)/.exec(cluster.run('scontrol', '--oneliner', 'show', 'job', task))?.[1];
const exitOf = (task: string) => /ExitCode=(\d+)/.exec(cluster.run('scontrol', '--oneliner', 'show', 'job', task))?.[1];
const isIdle = () => cluster.run('squeue', '--noheader').trim() === '';
const outputOf = (task: string) => readFileSync(join(plan, 'runners', `slurm-${task}.txt`), 'utf8');
const status = async () => JSON.parse((await doppel(['batch', 'status', plan, '--json'])).stdout);

describe('a plan of 40 items in 4 shards on Slurm', () => {
  // Tried again, for two things are up to the machine: a runner may end its ten items before it is halted, and Slurm may
  // fail a task that it starts again too soon.
  it('ends with every item once, whatever happens to its tasks', { timeout: 300_000, retry: 2 }, async ({ skip }) => {
    if (reason) skip(reason);
    cluster.run('scancel', '--user=root'); // of a try before this one
    await until(isIdle);
    folder = await makePairs();
    plan = join(folder, 'plan');
    const words = ['batch', 'plan', 'score', join(folder, 'pairs', 'pairs.jsonl'), '--out', plan, '--chunk', '1'];
    expect((await doppel([...words, '--model', join(folder, 'model.safetensors')])).code).toBe(0);

    const job = await submit('--at-once', '2');
    const [first, second] = await frozen(1, 2);
    process.kill(first!, 'SIGKILL');
    cluster.run('scancel', `${job}_2`, `${job}_4`); // one at work, one waiting
    process.kill(second!, 'SIGCONT');
    await until(() => stateOf(`${job}_1`) === 'PENDING');
    await until(() => outputOf(`${job}_2`).includes('stopped; the same command goes on'));
    cluster.run('scontrol', 'update', `JobId=${job}_1`, 'StartTime=now+5'); // Slurm waits two minutes otherwise, and fails a task that comes at once
    await until(isIdle);
    expect(stateOf(`${job}_2`)).toBe('CANCELLED'); // drained, and not queued again
    expect([exitOf(`${job}_1`), exitOf(`${job}_3`)], outputOf(`${job}_1`)).toEqual(['0', '0']);
    expect(cluster.run('scontrol', '--oneliner', 'show', 'job', `${job}_1`)).toContain('Restarts=1');
    const half = await status();
    expect(half.missing).toBeGreaterThanOrEqual(10); // all of the waiting shard, and some of the cancelled one
    expect(half.done + half.failed).toBe(ITEMS - half.missing);
    expect((await doppel(['batch', 'merge', plan])).code).toBe(75);

    const again = await submit();
    await until(isIdle);
    expect([1, 2, 3, 4].map((task) => exitOf(`${again}_${task}`))).toEqual(['0', '42', '0', '0']);
    expect(outputOf(`${again}_1`)).toContain('0 of 10 items done, 10 were there');
    const end = await status();
    expect(end).toMatchObject({ items: ITEMS, done: ITEMS - 1, failed: 1, missing: 0 });
    // Where that was less than a minute ago, the runner that was killed may still be thought at work.
    expect(end.running.length).toBeLessThanOrEqual(1);
    expect((await doppel(['batch', 'merge', plan])).code).toBe(42);
    const rows = linesOf(readFileSync(join(plan, 'scores.jsonl'), 'utf8'));
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: ITEMS }, (_, i) => `pair-${i}`));
    expect(rows.flatMap(({ error }, i) => (error ? [[i, error]] : []))).toEqual([
      [BROKEN, expect.stringContaining('missing.png: found nothing there')],
    ]);
  });
});
