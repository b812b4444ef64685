/** Place of this process among those that a launcher of MPI started, by the variables that it set. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ProcessPlace {
  /** Number of the process, from 0; NaN where the launcher did not say. */
  readonly rank: number;
  readonly size: number;
  /** Program that started them. */
  readonly launcher: string;
  /** Names of the variables. */
  readonly variables: { readonly rank: string; readonly size: string };
}

/** The innermost launcher first. */
const LAUNCHERS = [
  // Open MPI
  { launcher: 'mpirun', variables: { rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE' } },
  // MPICH and its kin, and `srun --mpi=pmi2`
  { launcher: 'mpiexec or srun', variables: { rank: 'PMI_RANK', size: 'PMI_SIZE' } },
  // Slurm sets the size in the steps of a job, not in the job's script.
  { launcher: 'srun', variables: { rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS' } },
] as const;

/** Place that the variables say; undefined where there is one process only. */
export function processPlace(environment: Environment): ProcessPlace | undefined {
  for (const { launcher, variables } of LAUNCHERS) {
    const size = wholeNumber(environment, variables.size) ?? 1;
    if (size !== 1) return { rank: wholeNumber(environment, variables.rank) ?? Number.NaN, size, launcher, variables };
  }
  return undefined;
}

/** Number that a variable holds; undefined where it is not set or empty. */
export function wholeNumber(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  return text === undefined || text === '' ? undefined : Number(text);
}
