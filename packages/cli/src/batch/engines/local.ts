/** This machine as an engine: tasks are processes, some at a time. */
import { EXIT } from '@doppel/core/batch';
import { UsageError } from '@doppel/core/errors';
import type { Engine, Submission } from '../engine.ts';
import { MAIN, programWords, runLocally, type ShardCounts } from '../run_locally.ts';

/** Processes at a time. */
const AT_ONCE = 2;

export const local: Engine = {
  name: 'local',
  description: 'processes of this machine',
  describe: ({ folder, shards, flags }) =>
    Array.from({ length: shards }, (_, i) =>
      [...programWords(), 'batch', 'run', folder, '--shard', `${i + 1}/${shards}`, ...flags].join(' '),
    ).join('\n'),
  async submit({ plan, folder, shards, atOnce = AT_ONCE, flags }: Submission, { signal, onProgress }) {
    if (MAIN === undefined) throw uncompiled();
    const { items } = plan.header;
    const onShard = (sum: ShardCounts) => onProgress(sum.items, items);
    const sum = await runLocally(MAIN, { folder, shards, jobs: atOnce, flags, signal, onShard });
    const { kept, done, failed, retry } = sum;
    return {
      json: { ...sum },
      text: `${shards} shards: ${done} of ${items} items done, ${kept} were there, ${failed} failed for good, ${retry} to be tried again`,
      exitCode: retry > 0 ? EXIT.tryAgain : failed > 0 ? EXIT.permanent : EXIT.done,
    };
  },
};

const uncompiled = () =>
  new UsageError({
    action: 'start processes',
    expected: 'the built program',
    found: 'its sources',
    remedy: 'Build it.',
  });
