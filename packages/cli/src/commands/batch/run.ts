/** `doppel batch run`: runs a shard of a plan, as one task of a scheduler or alone. */
import { EXIT, exitCodeOf, openPlan, parseShard, type ShardOutcome, shardFrom, shardText } from '@doppel/core/batch';
import { reasonOf } from '@doppel/core/errors';
import { runPlan, stopOf } from '../../batch/run_plan.ts';
import { command } from '../../command.ts';
import { BACKEND_FLAG } from '../../context.ts';
import { text, whole, yes } from '../../flags.ts';

export default command({
  name: 'doppel batch run',
  words: { plan: text('folder', 'Folder of the plan') },
  flags: {
    shard: text('i/n', 'The i-th of n parts, from 1; default: what the scheduler says, else all')
      .transform(parseShard)
      .optional(),
    shards: whole(1, 'Number of shards, where the scheduler tells only the index of a task (Kubernetes)').optional(),
    results: text('folder', 'Folder of the results; default: that of the plan').optional(),
    data: text(
      'folder',
      'Folder of the manifest here, if the data lie elsewhere than when the plan was made',
    ).optional(),
    model: text('model', 'The model of the plan, if it lies elsewhere here').optional(),
    attempts: whole(1, 'Tries until a failure that may pass is one for good').default(3),
    retryFailed: yes('Try again what failed for good'),
    ...BACKEND_FLAG,
  },
  examples: [
    'doppel batch run runs/scores',
    'doppel batch run runs/scores --shard 2/5 --json',
    'doppel batch run runs/scores --results /scratch/results --data /data/patches',
    'doppel batch run runs/scores --retry-failed',
  ],
  async run({ args, context }) {
    const { backend, plan: folder, shards, ...given } = args;
    const plan = await openPlan(context.store, folder);
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
