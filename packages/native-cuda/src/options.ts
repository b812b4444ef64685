/** Options of the addon's backends, and their environment variables. */

/** Options of the backends, all optional. */
export interface NativeOptions {
  /** Precision of convolutions and matrix products: `fp32` (default), `fp32-fast` (native), `tf32` (cuda) or `bf16`. */
  precision?: string | undefined;
  /** Threads of `native`; default: the cores that the process may use. */
  threads?: number | undefined;
  /** Instruction set of `native`: `generic`, `avx2`, `avx512` or `neon`; default: the widest that runs here. */
  isa?: string | undefined;
  /** Number of the card for `cuda`, from 0; default: the first that can serve. */
  card?: number | undefined;
  /** Number of this process among those on this machine that share the cards, from 0. */
  localRank?: number | undefined;
  /** File of the addon; default: where the package's build puts it. */
  addon?: string | undefined;
}

/**
 * The options, and for those that are left out what a user set in the environment: DOPPEL_PRECISION,
 * DOPPEL_NATIVE_THREADS, DOPPEL_NATIVE_ISA, DOPPEL_CUDA_DEVICE and DOPPEL_NATIVE_ADDON, or a launcher of MPI. For entry
 * points.
 */
export function optionsFrom(
  environment: Readonly<Record<string, string | undefined>>,
  options: NativeOptions = {},
): NativeOptions {
  const set = (name: string) => environment[`DOPPEL_${name}`] || undefined;
  const number = (name: string) => (set(name) === undefined ? undefined : Number(set(name)));
  return {
    precision: options.precision ?? set('PRECISION'),
    threads: options.threads ?? number('NATIVE_THREADS'),
    isa: options.isa ?? set('NATIVE_ISA'),
    card: options.card ?? number('CUDA_DEVICE'),
    localRank: options.localRank ?? localRankOf(environment),
    addon: options.addon ?? set('NATIVE_ADDON'),
  };
}

/** Variables of Open MPI, of MPICH and its kin, and of Slurm. */
const LOCAL_RANKS = ['OMPI_COMM_WORLD_LOCAL_RANK', 'MPI_LOCALRANKID', 'SLURM_LOCALID'];

function localRankOf(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  const set = LOCAL_RANKS.map((name) => environment[name]).find((value) => value);
  return set === undefined ? undefined : Number(set);
}
