/** Place of this process among those that a launcher of MPI started, and what commands make of it. */
import { UsageError } from '@doppel/core/errors';

export interface Place {
  /** Number of the process, from 0. */
  readonly rank: number;
  readonly size: number;
  /** Program that started them. */
  readonly launcher: string;
}

/** Variables that launchers set: of the rank, and of the number of processes. */
const LAUNCHERS = [
  { launcher: 'mpirun', rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE' }, // Open MPI
  { launcher: 'mpiexec', rank: 'PMI_RANK', size: 'PMI_SIZE' }, // MPICH and its kin
  { launcher: 'srun', rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS' }, // set in a job's steps, not in its script
] as const;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Place that the variables say; undefined where there is one process only. */
export function placeOf(environment: Environment): Place | undefined {
  for (const { launcher, ...names } of LAUNCHERS) {
    const [rank, size] = [Number(environment[names.rank]), Number(environment[names.size])];
    if (size > 1) return { rank, size, launcher };
  }
  return undefined;
}

/** Refuses to do the same work in each of several processes. @param remedy what to do instead. */
export function refuseProcesses(action: string, remedy: string, environment: Environment = process.env): void {
  const place = placeOf(environment);
  if (!place) return;
  throw new UsageError({
    ...{ action, expected: 'one process', found: `${place.size} that ${place.launcher} started`, remedy },
  });
}
