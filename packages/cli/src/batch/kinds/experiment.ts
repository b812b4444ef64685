/** Cells of an experiment; an item is the cells that share a first stage of training. */
import { resolve } from 'node:path';
import { joinPath } from '@doppel/core';
import { sha256 } from '@doppel/core/base';
import type { Worker } from '@doppel/core/batch';
import { FormatError } from '@doppel/core/errors';
import { groupName, planCells } from '@doppel/experiment';
import { z } from 'zod';
import { CELL_FLAGS } from '../../commands/experiment/run.ts';
import { COMPUTE_FLAGS, type Context } from '../../context.ts';
import { openExperiment, readExperiment } from '../../experiment_runner.ts';
import { text } from '../../flags.ts';
import { workKind } from '../kind.ts';

const fingerprint = async ({ store }: Pick<Context, 'store'>, file: string) => sha256(await store.read(file));

/** Position of the item's group in the experiment. */
const details = z.object({ group: z.int() });

export const experimentKind = workKind({
  name: 'experiment',
  description: 'Cells of an experiment, those of one matcher, budget and seed an item',
  manifest: 'Configuration of the experiment; see docs/experiment.md',
  flags: {
    ...CELL_FLAGS,
    precision: COMPUTE_FLAGS.precision,
    config: text('file', 'The configuration, if it lies elsewhere for the tasks; default: the manifest').optional(),
  },
  examples: [
    'doppel batch plan experiment configs/experiment.yaml --out experiments/a',
    'doppel batch plan experiment configs/experiment.yaml --out experiments/a --arms random,loss --seeds 11,12',
  ],
  settle: (settings, manifest) => ({ ...settings, config: resolve(settings.config ?? manifest) }),
  tools: async (store, { config }) => ({ configuration: await fingerprint({ store }, config!) }),
  async *items({ store, settings }) {
    const config = await readExperiment({ store }, settings.config!);
    const data = resolve(config.data, 'pairs.jsonl');
    for (const [group, each] of planCells(config, settings).entries()) {
      yield { id: groupName(each), files: [data], details: { group } };
    }
  },
  async open({ context, settings, compute, tools, results }): Promise<Worker> {
    const file = settings.config!;
    if ((await fingerprint(context, file)) !== tools.configuration) throw changed(file);
    const config = await readExperiment(context, file);
    const { arms, seeds, precision } = settings;
    const of = planCells(config, { arms, seeds }).length;
    const experiment = await openExperiment(context, config, { ...compute, precision });
    return {
      async run({ id, details: own }, signal = context.signal) {
        const shard = { index: details.parse(own).group + 1, of };
        const watch = { signal, onLog: context.log };
        const { made, kept, interrupted } = await experiment.run(results, { shard, arms, seeds }, watch);
        if (interrupted) throw signal.reason;
        return { rows: [{ id, made, kept, folder: joinPath('cells', id) }] };
      },
      failedRows: ({ id }, error) => [{ id, error }],
      close: () => experiment.dispose(),
    };
  },
  merged: [{ name: 'groups.jsonl' }],
});

const changed = (file: string) =>
  new FormatError({
    ...{ action: 'run the experiment of', file, expected: 'the configuration of the plan', found: 'another' },
    remedy: 'Plan again.',
  });
