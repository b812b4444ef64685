/** Runs a shard of a plan by its kind of work. */
import { hostname } from 'node:os';
import { type Plan, runShard, type Shard, type ShardOutcome } from '@doppel/core/batch';
import type { ComputeOptions, Context } from '../context.ts';
import { stopSignalOf } from '../stopped.ts';
import type { Watch } from '../work.ts';
import { KINDS } from './kinds.ts';

export interface PlanRun {
  plan: Plan;
  shard: Shard;
  compute: ComputeOptions;
  /** Folder of results, of relative paths, and model, if they are not those of the plan. */
  results?: string | undefined;
  data?: string | undefined;
  model?: string | undefined;
  attempts?: number | undefined;
  retryFailed?: boolean | undefined;
}

export function runPlan(context: Context, run: PlanRun, watch: Watch): Promise<ShardOutcome> {
  const { plan, shard, compute, results = plan.folder, data: root = plan.header.root, model } = run;
  const { kind, tools } = plan.header;
  const settings = { ...plan.header.settings, ...(model !== undefined && { model }) };
  return runShard({
    ...{ store: context.store, plan, shard, results, root, attempts: run.attempts, retryFailed: run.retryFailed },
    host: { name: hostname(), pid: process.pid },
    open: () => KINDS.get(kind).open({ context, settings, compute, tools, root, results }),
    ...{ signal: watch.signal, onProgress: watch.onProgress, onLog: watch.onLog },
  });
}

export const stopOf = (signal: AbortSignal) => (signal.aborted ? stopSignalOf(signal) : undefined);
