/** `doppel batch run`: runs a shard of a plan, as one task of a scheduler or alone; or submits all shards to a scheduler. */

import { resolve } from 'node:path';
import {
  EXIT,
  exitCodeOf,
  openPlan,
  type Plan,
  parseShard,
  type ShardOutcome,
  shardFrom,
  shardText,
} from '@doppel/core/batch';
import { reasonOf, UsageError } from '@doppel/core/errors';
import { TASK_FLAGS } from '../../batch/engine.ts';
import { ENGINES } from '../../batch/engines.ts';
import { settledModel } from '../../batch/kind.ts';
import { PLACE_FLAGS } from '../../batch/place.ts';
import { runPlan, stopOf } from '../../batch/run_plan.ts';
import { command } from '../../command.ts';
import { BACKEND_FLAG, type Context } from '../../context.ts';
import { choice, text, type Values, whole, yes } from '../../flags.ts';
import type { Outcome } from '../../outcome.ts';

const flags = {
  shard: text('i/n', 'The i-th of n parts, from 1; default: what the scheduler, mpirun or srun says, else all')
    .transform(parseShard)
    .optional(),
  shards: whole(1, 'Number of shards, where the scheduler tells only the index of a task (Kubernetes)').optional(),
  results: text('folder', 'Folder of the results; default: that of the plan').optional(),
  ...PLACE_FLAGS,
  attempts: whole(1, 'Tries until a failure that may pass is one for good').default(3),
  retryFailed: yes('Try again what failed for good'),
  ...BACKEND_FLAG,
  submit: choice(ENGINES.names(), 'Submit all shards to this engine, rather than run one here').optional(),
  dryRun: yes('Print what --submit would submit'),
  ...TASK_FLAGS,
};
const words = { plan: text('folder', 'Folder of the plan') };
type RunValues = Values<typeof words & typeof flags>;

export default command({
  name: 'doppel batch run',
  words,
  flags,
  examples: [
    'doppel batch run runs/scores',
    'doppel batch run runs/scores --shard 2/5 --json',
    'doppel batch run runs/scores --results /scratch/results --data /data/patches',
    'doppel batch run runs/scores --retry-failed',
    'doppel batch run runs/scores --submit local --shards 8 --at-once 2',
    'doppel batch run runs/scores --submit slurm --shards 100 --at-once 20 --time 02:00:00 --sbatch=--partition=gpu',
    'doppel batch run /data/scores --submit kubernetes --shards 8 --image doppel:0.1.0 --claim data --mount /data --dry-run',
  ],
  async run({ args, context }) {
    const { backend, plan: folder, shards, ...given } = args;
    const plan = await openPlan(context.store, folder);
    if (args.submit !== undefined) return submit(args.submit, args, plan, context);
    if (args.dryRun) throw new UsageError({ action: 'use --dry-run', expected: '--submit', found: 'none' });
    const shard = args.shard ?? shardFrom(process.env, shards);
    const outcome = await context.work({ label: `shard ${shardText(shard)}`, unit: 'items' }, (watch) =>
      runPlan(context, { ...given, plan, shard, compute: { backend } }, watch),
    );
    const { fatal, ...counts } = outcome;
    const stopped = stopOf(context.signal);
    return {
      json: {
        plan: folder,
        shard: shardText(shard),
        ...counts,
        ...(fatal !== undefined && { fatal: reasonOf(fatal) }),
      },
      text: textOf(outcome, shardText(shard)),
      exitCode: exitCodeOf(outcome, stopped),
    };
  },
});

/** Shards of a plan if none are asked for. */
const SHARDS = 16;

async function submit(name: string, args: RunValues, plan: Plan, context: Context): Promise<Outcome> {
  if (args.shard) throw new UsageError({ action: 'submit all shards', expected: '--shards', found: '--shard' });
  const engine = ENGINES.get(name);
  const shards = Math.min(plan.header.items, args.shards ?? SHARDS);
  const submission = { ...args, store: context.store, plan, folder: resolve(args.plan), shards, flags: handedOn(args) };
  if (args.dryRun) {
    const described = engine.describe(submission);
    return { json: { engine: name, shards, submitted: false, description: described }, text: described.trimEnd() };
  }
  const interrupted = { text: 'interrupted; finished items are kept, and the same command goes on' };
  const { json, ...outcome } = await context.work({ label: name, unit: 'items', interrupted }, (watch) =>
    engine.submit(submission, watch),
  );
  return { ...outcome, json: { engine: name, shards, submitted: true, ...json } };
}

/** Words for the tasks: paths in full, as they may start in another folder. */
function handedOn({ results, data, model, attempts, retryFailed, backend }: RunValues): string[] {
  const paths = { results, data };
  return [
    ...Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [`--${name}`, resolve(path)])),
    ...(model === undefined ? [] : ['--model', settledModel(model)]),
    ...(attempts === 3 ? [] : ['--attempts', String(attempts)]),
    ...(retryFailed ? ['--retry-failed'] : []),
    ...(backend === undefined ? [] : ['--backend', backend]),
  ];
}

function textOf({ items, kept, done, failed, retry, isStopped, fatal }: ShardOutcome, shard: string): string {
  const left = items - kept - done - failed - retry;
  const parts = [
    `shard ${shard}: ${done} of ${items} items done`,
    ...(kept > 0 ? [`${kept} were there`] : []),
    ...(failed > 0 ? [`${failed} failed for good`] : []),
    ...(retry > 0 ? [`${retry} to be tried again (exit code ${EXIT.tryAgain})`] : []),
    ...(left > 0 ? [`${left} left`] : []),
  ];
  const why = isStopped ? ['stopped; the same command goes on'] : fatal === undefined ? [] : [reasonOf(fatal)];
  return [parts.join(', '), ...why].join('\n');
}
