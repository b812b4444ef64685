/** A plan under mpirun: each rank does its shard. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { doppel, MAIN, makePairs, reasonToSkip, runProgram } from './engines.ts';

/** A rank whose items failed does not end the others; mpirun's own exit code then says nothing, the status does. */
const GO_ON = ['--mca', 'orte_abort_on_non_zero_status', '0'];

const reason = reasonToSkip('mpirun');

it('ranks of mpirun share a plan', { timeout: 300_000 }, async ({ skip }) => {
  if (reason) skip(reason);
  const folder = await makePairs();
  try {
    const plan = join(folder, 'plan');
    const words = ['batch', 'plan', 'score', join(folder, 'pairs', 'pairs.jsonl'), '--out', plan, '--chunk', '5'];
    expect((await doppel([...words, '--model', join(folder, 'model.safetensors')])).code).toBe(0);
    const ranks = ['--allow-run-as-root', '--oversubscribe', ...GO_ON, '-n', '2', process.execPath, MAIN];
    const { stdout } = await runProgram('mpirun', [...ranks, 'batch', 'run', plan, '--backend', 'wasm']);
    expect(stdout).toContain('shard 2/2: 4 of 4 items done');
    expect(JSON.parse((await doppel(['batch', 'status', plan, '--json'])).stdout)).toMatchObject({
      done: 7,
      failed: 1,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
