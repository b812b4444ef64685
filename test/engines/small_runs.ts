/** Small training runs for the suites that start processes of MPI: their data, their command, and who is at work on one. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { FileStore } from '../../packages/core/src/node.ts';
import { writeSyntheticDataset } from '../cli/dataset_on_disk.ts';
import { type Ended, MAIN, runProgram } from './engines.ts';

/** Settings of two epochs in seconds. */
export const SMALL = `
epochs: 2
stepsPerEpoch: 3
batch: {positives: 3, negatives: 5}
validation: {positives: 4}
`;
export const ENV = { DOPPEL_NATIVE_THREADS: '1', OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
/** Options of mpirun. */
export const RANKS = ['--oversubscribe'];

/** @param isWanted false where the suite is skipped: then there are no data. */
export function smallRuns(isWanted: boolean) {
  const scratch = mkdtempSync(join(tmpdir(), 'doppel-mpi-'));
  const at = (...names: string[]) => join(scratch, ...names);
  beforeAll(async () => {
    if (!isWanted) return;
    await writeSyntheticDataset(new FileStore(), at('data'));
    writeFileSync(at('small.yaml'), SMALL);
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  return {
    at,
    /** Words of `doppel` that train a run. */
    words: (run: string, ...more: string[]) => [
      ...['train', at('data'), '--config', at('small.yaml'), '--out', at(run), '--backend', 'native', ...more],
    ],
    last: (run: string) => readFileSync(at(run, 'checkpoints/last.safetensors')),
    /** Starts doppel by a launcher. @returns how it will have ended. */
    started([program, ...options]: readonly [string, ...string[]], words: readonly string[], env: object = {}) {
      const child = spawn(program, [...options, process.execPath, MAIN, ...words], {
        env: { ...process.env, ...ENV, ...env },
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (text) => (stdout += text));
      child.stderr.on('data', (text) => (stderr += text));
      return new Promise<Ended>((resolve) => {
        child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
      });
    },
    /** Process ids of the ranks of a run, by its folder. */
    async ranksOf(run: string): Promise<number[]> {
      const { stdout } = await runProgram('pgrep', ['-f', `^${process.execPath} ${MAIN} train .*${at(run)}`]);
      return stdout.trim().split('\n').filter(Boolean).map(Number);
    },
  };
}
