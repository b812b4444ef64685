/**
 * Shards: parts of a plan, one for each task of a scheduler. A shard is a run of neighbouring items, so that tasks write
 * into different folders and read the plan once between them.
 */
import { UsageError } from '../errors.ts';
import { type Environment, processPlace, wholeNumber } from './launcher.ts';

/** INDEX of COUNT, from 1. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Shard = { index: 1, of: 1 };

/** "2/5" @throws UsageError */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (match && index >= 1 && index <= of) return { index, of };
  throw new UsageError({ action: 'use --shard', expected: 'INDEX/COUNT, for example 2/5', found: `"${text}"` });
}

export const shardText = ({ index, of }: Shard): string => `${index}/${of}`;

/** Items of a shard: from the first to the one before the last, counted from 0. */
export function rangeOf({ index, of }: Shard, items: number): [from: number, to: number] {
  return [Math.floor((items * (index - 1)) / of), Math.floor((items * index) / of)];
}

/**
 * Shard by what a scheduler tells its tasks: an array of Slurm, an Indexed Job of Kubernetes, ranks of mpirun, mpiexec or
 * srun, or ranks within an array; the whole plan outside of all.
 *
 * @param shards in all, for Kubernetes, which tells only the index.
 * @throws UsageError if the variables contradict each other.
 */
export function shardFrom(environment: Environment, shards?: number): Shard {
  const outer = slurmShard(environment) ?? kubernetesShard(environment, shards);
  const inner = mpiShard(environment);
  if (!outer || !inner) return outer ?? inner ?? WHOLE;
  return { index: (outer.index - 1) * inner.of + inner.index, of: outer.of * inner.of };
}

function slurmShard(environment: Environment): Shard | undefined {
  const [id, first, of, step] = ['ID', 'MIN', 'COUNT', 'STEP'].map((name) =>
    wholeNumber(environment, `SLURM_ARRAY_TASK_${name}`),
  );
  if (id === undefined) return undefined;
  const index = (id - (first ?? 0)) / (step || 1) + 1;
  return checked({ index, of: of ?? Number.NaN }, 'SLURM_ARRAY_TASK_ID, _MIN, _COUNT and _STEP of a regular array');
}

function kubernetesShard(environment: Environment, shards: number | undefined): Shard | undefined {
  const index = wholeNumber(environment, 'JOB_COMPLETION_INDEX');
  if (index === undefined) return undefined;
  return checked(
    { index: index + 1, of: shards ?? Number.NaN },
    '--shards, the completions of the job, above its index',
  );
}

function mpiShard(environment: Environment): Shard | undefined {
  const place = processPlace(environment);
  if (!place) return undefined;
  const { rank, size, variables } = place;
  return checked({ index: rank + 1, of: size }, `${variables.rank} below ${variables.size}`);
}

function checked({ index, of }: Shard, expected: string): Shard {
  if (Number.isInteger(index) && Number.isInteger(of) && index >= 1 && index <= of) return { index, of };
  throw new UsageError({
    ...{ action: 'find the shard of this task', expected, found: `task ${index} of ${Number.isNaN(of) ? '?' : of}` },
    remedy: 'Name the shard by --shard INDEX/COUNT.',
  });
}
