/** Runs a shard of a plan by its kind of work. */
import { hostname } from 'node:os';
import { type Plan, runShard, type Shard, type ShardOutcome } from '@doppel/core/batch';
import type { Context } from '../context.ts';
import { stopSignalOf } from '../stopped.ts';
import type { Watch } from '../work.ts';
import { KINDS } from './kinds.ts';
import { type OwnPlace, placeOf } from './place.ts';

export interface PlanRun extends OwnPlace {
  plan: Plan;
  shard: Shard;
  attempts?: number | undefined;
  retryFailed?: boolean | undefined;
}

export function runPlan(context: Context, run: PlanRun, watch: Watch): Promise<ShardOutcome> {
  const { plan, shard, attempts, retryFailed } = run;
  const place = placeOf(plan, run, context);
  const { results, root } = place;
  return runShard({
    ...{ store: context.store, plan, shard, results, root, attempts, retryFailed },
    host: { name: hostname(), pid: process.pid },
    open: () => KINDS.get(plan.header.kind).open(place),
    ...{ signal: watch.signal, onProgress: watch.onProgress, onLog: watch.onLog },
  });
}

export const stopOf = (signal: AbortSignal) => (signal.aborted ? stopSignalOf(signal) : undefined);
