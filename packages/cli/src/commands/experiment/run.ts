/** `doppel experiment run`: runs the cells that are missing, on this machine or as one shard of several. */
import { parseShard } from '@doppel/core/batch';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { openExperiment, readExperiment } from '../../experiment_runner.ts';
import { text } from '../../flags.ts';
import { refuseProcesses } from '../../launcher.ts';

/** Flags that choose cells of the configuration. */
export const CELL_FLAGS = {
  arms: z.array(z.string()).optional().meta({ description: 'Only these arms of the configuration' }),
  seeds: z.array(z.int()).optional().meta({ description: 'Only these seeds of the configuration' }),
};

export default command({
  name: 'doppel experiment run',
  flags: {
    config: text('file', 'Configuration; see docs/experiment.md'),
    out: text('folder', 'Folder of the cells'),
    shard: text('i/n', 'Only the i-th of n parts, from 1').transform(parseShard).optional(),
    ...CELL_FLAGS,
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel experiment run --config configs/experiment.yaml --out experiments/a',
    'doppel experiment run --config configs/experiment.yaml --out experiments/a --shard 2/3',
    'doppel experiment run --config configs/experiment.yaml --out experiments/a --arms random,loss --seeds 11',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { shard, arms, seeds, out } = args;
    refuseProcesses('run an experiment', 'Each would run the same cells; `doppel batch plan experiment` spreads them.');
    const experiment = await openExperiment(context, await readExperiment(context, args.config), args);
    const interruption = {
      json: { out },
      text: 'interrupted; run the same command again to continue with the missing cells',
    };
    const plan = { label: 'running', unit: 'cells', interrupted: interruption };
    try {
      const outcome = await context.work(plan, (watch) =>
        experiment.run(out, { ...(shard && { shard }), arms, seeds }, watch),
      );
      const { cells, made, kept, interrupted, mirrored } = outcome;
      if (mirrored > 0) context.log(`note: the shifted patches of ${mirrored} test pairs are mirrored at the edge`);
      const left = cells - made - kept;
      const text = [
        `${made} cells run, ${kept} were there${left > 0 ? `, ${left} left` : ''}`,
        interrupted ? 'interrupted; run the same command again to continue' : `report: doppel experiment report ${out}`,
      ];
      return { json: { out, ...outcome }, text: text.join('\n'), exitCode: interrupted ? 130 : 0 };
    } finally {
      await experiment.dispose();
    }
  },
});
