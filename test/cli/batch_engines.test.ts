/** Tasks as they are submitted to Slurm: a script that every shell reads, with the throttle and what is tried again. */
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { slurmScript } from '../../packages/cli/src/batch/engines/slurm.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { numbers, planSquares } from '../core/batch/squares.ts';

it('an array of Slurm', async () => {
  const store = new MemoryStore();
  const { plan } = await planSquares(store, numbers(40));
  const script = slurmScript({
    ...{ store, plan, folder: "/data/it's a plan", shards: 4, flags: ['--backend', 'native'], retries: 2, atOnce: 3 },
    ...{ cpus: 2, gpus: 1, memory: '4G', time: '02:00:00', sbatch: ['--partition=gpu'] },
    ...{ image: undefined, claim: undefined, mount: undefined },
  });
  execFileSync('sh', ['-n'], { input: script });
  const options = [...script.matchAll(/^#SBATCH (.*)$/gm)].map(([, option]) => option);
  expect(options).toEqual(
    expect.arrayContaining(['--array=1-4%3', '--requeue', '--signal=B:USR1@60', '--time=02:00:00', '--partition=gpu']),
  );
  expect(script).toContain(`batch run '/data/it'\\''s a plan' --shard "$SLURM_ARRAY_TASK_ID/4" --backend native &`);
  expect(script).toContain("again='75 137'");
  expect(script).toContain('-lt 2 ]');
});
