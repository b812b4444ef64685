/** `doppel batch status`: what is done, what runs, what failed and why, and how long the rest takes. */
import { type BatchStatus, batchStatus, openPlan } from '@doppel/core/batch';
import { RESULTS_FLAG, rootsOf } from '../../batch/roots.ts';
import { command } from '../../command.ts';
import { text } from '../../flags.ts';
import { duration } from '../../progress.ts';

export default command({
  name: 'doppel batch status',
  words: { plan: text('folder', 'Folder of the plan') },
  flags: RESULTS_FLAG,
  examples: ['doppel batch status runs/scores', 'doppel batch status runs/scores --json'],
  async run({ args, context }) {
    const plan = await openPlan(context.store, args.plan);
    const status = await batchStatus(context.store, plan, { roots: rootsOf(args) });
    return { json: { plan: args.plan, ...status }, text: textOf(status) };
  },
});

function textOf(status: BatchStatus): string {
  const { kind, items, done, failed, retry, missing, running, lost, failures, secondsPerItem, secondsLeft } = status;
  const counts = Object.entries({ failed, 'to be tried again': retry, left: missing })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `, ${count} ${name}`);
  const pace = secondsPerItem === null ? [] : [`${secondsPerItem.toPrecision(3)} s an item`];
  const left = secondsLeft === null || secondsLeft === 0 ? [] : [`${duration(secondsLeft)} left`];
  const gone = lost > 0 ? [`${lost} lost (killed, or on a machine that is gone)`] : [];
  return [
    `${kind}: ${done} of ${items} items done${counts.join('')}`,
    [`${running.length} runners at work`, ...gone, ...pace, ...left].join(', '),
    ...running.map(({ shard, host, pid, item }) => `  shard ${shard} on ${host} (${pid})${item ? `: ${item}` : ''}`),
    ...failures.map(({ id, reason, status: state }) => `  ${state === 'retry' ? 'again' : 'failed'}: ${id}: ${reason}`),
    ...(failed + retry > failures.length ? [`  and ${failed + retry - failures.length} more`] : []),
  ].join('\n');
}
