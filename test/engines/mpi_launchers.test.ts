/** Training in two processes that other launchers than mpirun start: mpiexec of MPICH, and srun for either MPI. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMpi } from '../../packages/native-cuda/src/mpi.ts';
import { reasonToSkip, until } from './engines.ts';
import { type SlurmCluster, startSlurm } from './slurm_cluster.ts';
import { RANKS, smallRuns } from './small_runs.ts';

const ofOpenMpi = loadMpi();
const noReference = reasonToSkip('mpirun') ?? (ofOpenMpi.available ? undefined : ofOpenMpi.reason);
const noMpich = reasonToSkip('mpiexec.mpich', 'mpicxx.mpich');
const noSlurm =
  process.getuid?.() === 0 ? reasonToSkip('munged', 'slurmctld', 'slurmd', 'srun') : 'Slurm is set up as root only';

const { at, words, last, started, ranksOf } = smallRuns(noReference === undefined);
const mpich = { DOPPEL_MPI_LIBRARY: at('mpich/doppel_mpi.node') };
const builder = new URL('../../packages/native-cuda/scripts/build_mpi.mjs', import.meta.url).pathname;
let cluster: SlurmCluster | undefined;

beforeAll(async () => {
  if (noReference) return;
  if (!noMpich) {
    const words = [builder, '--compiler', 'mpicxx.mpich', '--out', mpich.DOPPEL_MPI_LIBRARY];
    execFileSync(process.execPath, words, { stdio: 'inherit' });
  }
  if (!noSlurm) cluster = await startSlurm();
  const { code, stderr } = await started(['mpirun', ...RANKS, '-n', '2'], words('reference'));
  expect(code, stderr).toBe(0);
}, 300_000);
afterAll(() => cluster?.stop());

interface Way {
  name: string;
  launcher: readonly [string, ...string[]];
  /** Environment that names the library. */
  library: object;
  /** Why it cannot be tried here. */
  reason: string | undefined;
}

const srun = (kind: string) => ['srun', '-n', '2', `--mpi=${kind}`] as const;
const HYDRA: Way = {
  ...{ name: 'mpiexec-mpich', launcher: ['mpiexec.mpich', '-n', '2'], library: mpich },
  reason: noReference ?? noMpich,
};
const PMIX: Way = { name: 'srun-pmix', launcher: srun('pmix'), library: {}, reason: noReference ?? noSlurm };
const PMI2: Way = {
  ...{ name: 'srun-pmi2-mpich', launcher: srun('pmi2'), library: mpich },
  reason: noReference ?? noMpich ?? noSlurm,
};

describe('two processes', { timeout: 300_000 }, () => {
  it.for([HYDRA, PMIX, PMI2])('of $name train to the bytes of mpirun', async (each, { skip }) => {
    if (each.reason) skip(each.reason);
    const run = each.name;
    const { code, stdout, stderr } = await started(each.launcher, words(run), { ...cluster?.env, ...each.library });
    expect(code, stderr).toBe(0);
    expect(stdout.match(/checkpoint:/g), 'one process speaks').toHaveLength(1);
    expect(last(run).equals(last('reference'))).toBe(true);
  });

  it.for([PMIX, PMI2])('of $name end with 75 when the first is killed', async (each, { skip }) => {
    if (each.reason) skip(each.reason);
    const run = `${each.name}-lost`;
    const ended = started(each.launcher, words(run, '--epochs', '500'), { ...cluster?.env, ...each.library });
    await until(() => existsSync(at(run, 'metrics.csv')));
    const isFirst = (pid: number) => readFileSync(`/proc/${pid}/environ`, 'utf8').includes('SLURM_PROCID=0\0');
    process.kill((await ranksOf(run)).find(isFirst)!, 'SIGKILL');
    const { stderr } = await ended;
    expect(stderr).toMatch(/process 1 of 2: .*process 0 .*is gone/);
    expect(stderr).toContain('task 1: Exited with exit code 75');
    expect(await ranksOf(run)).toEqual([]);
  });

  it.for<Way & { found: RegExp }>([
    { ...HYDRA, library: {}, found: /found 1 by Open MPI v\d/ },
    { ...PMI2, name: 'srun-none-mpich', launcher: srun('none'), found: /found 1 by MPICH Version: \d[\d.]*\. Start/ },
  ])('of $name are refused where the library is of another MPI', async (each, { skip }) => {
    if (each.reason) skip(each.reason);
    const { code, stderr } = await started(each.launcher, words('refused'), { ...cluster?.env, ...each.library });
    expect(code).toBe(2);
    expect(stderr).toMatch(each.found);
    expect(existsSync(at('refused'))).toBe(false);
  });
});
