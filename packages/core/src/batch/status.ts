/** State of a batch: what is done, what runs, what failed and why, and how long the rest takes. */
import type { Store } from '../store.ts';
import type { Plan } from './plan.ts';
import { readResult, statesOf } from './results.ts';
import { LOST_AFTER, type RunnerRecord, runnersOf } from './runners.ts';

export interface BatchFailure {
  /** Position in the plan, from 0. */
  item: number;
  id: string;
  status: 'failed' | 'retry';
  reason: string;
  attempts: number;
}

export interface BatchStatus {
  kind: string;
  items: number;
  done: number;
  failed: number;
  /** Items that failed, and are tried again with their shard. */
  retry: number;
  /** Items that were not tried. */
  missing: number;
  /** Runners at work. */
  running: Pick<RunnerRecord, 'shard' | 'host' | 'pid' | 'started' | 'item'>[];
  /** Runners that were at work and gave no note for a minute: killed, or on a machine that is gone. */
  lost: number;
  /** The first failures. */
  failures: BatchFailure[];
  /** Mean of the items that were tried; null before the first. */
  secondsPerItem: number | null;
  /** Estimate for the runners at work; null if none is. */
  secondsLeft: number | null;
}

/** Failures that a status lists. */
const SHOWN = 20;

/** @param roots folders of results. Default: that of the plan. */
export async function batchStatus(
  store: Store,
  plan: Plan,
  { roots = [plan.folder], now = Date.now() }: { roots?: readonly string[]; now?: number } = {},
): Promise<BatchStatus> {
  const counts = { done: 0, failed: 0, retry: 0, missing: 0 };
  const failures: BatchFailure[] = [];
  for await (const { state, file } of statesOf(store, plan, roots)) {
    counts[state]++;
    if ((state === 'failed' || state === 'retry') && failures.length < SHOWN) {
      const { item, id, reason = '', attempts } = (await readResult(store, file!)).head;
      failures.push({ item, id, status: state, reason, attempts });
    }
  }
  const runners = await summed(runnersOf(store, plan, roots), now);
  const { kind, items } = plan.header;
  const { running, lost, tried, seconds } = runners;
  const secondsPerItem = tried > 0 ? seconds / tried : null;
  const left = counts.retry + counts.missing;
  const secondsLeft =
    left === 0 ? 0 : secondsPerItem === null || running.length === 0 ? null : (left * secondsPerItem) / running.length;
  return { kind, items, ...counts, running, lost, failures, secondsPerItem, secondsLeft };
}

async function summed(records: AsyncIterable<RunnerRecord>, now: number) {
  const sum = { running: [] as BatchStatus['running'], lost: 0, tried: 0, seconds: 0 };
  for await (const { state, updated, tried, seconds, shard, host, pid, started, item } of records) {
    sum.tried += tried;
    sum.seconds += seconds;
    if (state === 'ended') continue;
    if (now - Date.parse(updated) > LOST_AFTER) sum.lost++;
    else sum.running.push({ shard, host, pid, started, item });
  }
  return sum;
}
