/** Shards of a plan as processes of this machine, some at a time. */
import { fileURLToPath } from 'node:url';
import type { ShardOutcome } from '@doppel/core/batch';
import { runProcess } from '../run_process.ts';

/** Program of a process of its own; undefined where the sources run uncompiled. */
export const MAIN = import.meta.url.endsWith('.ts') ? undefined : fileURLToPath(new URL('../main.js', import.meta.url));

/** Words that start this program anywhere on a file system like this one. */
export const programWords = (): string[] => (MAIN === undefined ? ['doppel'] : [process.execPath, MAIN]);

export type ShardCounts = Pick<ShardOutcome, 'items' | 'kept' | 'done' | 'failed' | 'retry'>;

export interface LocalRun {
  /** Folder of the plan. */
  folder: string;
  shards: number;
  /** Processes at a time. */
  jobs: number;
  /** Further flags of `doppel batch run`. */
  flags: readonly string[];
  signal: AbortSignal;
  onShard(sum: ShardCounts): void;
}

/**
 * Runs all shards to their end; where one cannot count its items, the others are told to stop before it is thrown.
 *
 * @param main program of a process.
 * @throws Error with the message of a process that ends without counting its items. @throws the signal's reason.
 */
export async function runLocally(main: string, run: LocalRun): Promise<ShardCounts> {
  const { shards, jobs, onShard } = run;
  const sum: ShardCounts = { items: 0, kept: 0, done: 0, failed: 0, retry: 0 };
  const queue = Array.from({ length: shards }, (_, i) => i + 1);
  const failure = new AbortController();
  const signal = AbortSignal.any([run.signal, failure.signal]);
  const take = async () => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      const counts = await runOne(main, index, { ...run, signal });
      for (const name of Object.keys(sum) as (keyof ShardCounts)[]) sum[name] += counts[name];
      onShard(sum);
    }
  };
  const takers = Array.from({ length: Math.min(jobs, shards) }, () =>
    take().catch((error) => failure.abort(signal.aborted ? signal.reason : error)),
  );
  await Promise.all(takers);
  signal.throwIfAborted();
  return sum;
}

async function runOne(main: string, index: number, { folder, shards, flags, signal }: LocalRun): Promise<ShardCounts> {
  const words = [main, 'batch', 'run', folder, '--shard', `${index}/${shards}`, ...flags, '--json'];
  const { code, stdout, stderr } = await runProcess(process.execPath, words, { signal });
  const counts = stdout.trim().startsWith('{') ? (JSON.parse(stdout) as ShardCounts & { fatal?: string }) : undefined;
  if (counts && counts.fatal === undefined) return counts;
  const last = stderr
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^error: /, '');
  throw new Error(counts?.fatal ?? (last || `the process ended with ${code}`));
}
