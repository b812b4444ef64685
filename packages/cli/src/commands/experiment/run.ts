/** `doppel experiment run`: runs the cells that are missing, on this machine or as one shard of several. */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { joinPath } from '@doppel/core';
import { parseShard } from '@doppel/core/batch';
import { openDataset } from '@doppel/core/dataset';
import type { LatentGenerator } from '@doppel/core/generator';
import { type ExperimentConfig, parseExperiment, perCent, runExperiment } from '@doppel/experiment';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { COMPUTE_FLAGS, type Context } from '../../context.ts';
import { text } from '../../flags.ts';
import { openGeneratorFile } from '../../open_generator.ts';
import { readYaml, writeYaml } from '../../yaml_file.ts';

export default command({
  name: 'doppel experiment run',
  flags: {
    config: text('file', 'Configuration; see docs/experiment.md'),
    out: text('folder', 'Folder of the cells'),
    shard: text('i/n', 'Only the i-th of n parts, from 1').transform(parseShard).optional(),
    arms: z.array(z.string()).optional().meta({ description: 'Only these arms of the configuration' }),
    seeds: z.array(z.int()).optional().meta({ description: 'Only these seeds of the configuration' }),
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel experiment run --config configs/experiment.yaml --out experiments/a',
    'doppel experiment run --config configs/experiment.yaml --out experiments/a --shard 2/3',
    'doppel experiment run --config configs/experiment.yaml --out experiments/a --arms random,loss --seeds 11',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { store } = context;
    const config = parseExperiment(await readYaml(store, args.config), args.config);
    const { shard, arms, seeds } = args;
    const selection = { ...(shard && { shard }), arms, seeds };
    const dataset = await openDataset(store, config.data);
    const { name: backend } = await context.selectBackend(args);
    const generators = new Generators(config, context);
    await store.write(joinPath(args.out, 'experiment.yaml'), writeYaml(config));
    const interruption = {
      json: { out: args.out },
      text: 'interrupted; run the same command again to continue with the missing cells',
    };
    const plan = { label: 'running', unit: 'cells', interrupted: interruption };
    try {
      const outcome = await context.work(plan, async ({ signal, onLog }) =>
        runExperiment({
          ...{ store, out: args.out, config, dataset, backend, signal, selection, onLog },
          precision: args.precision ?? 'fp32',
          generatorFor: (name, budget) => generators.open(name, budget),
          machine: machine(),
          commit: await commit(),
        }),
      );
      const { cells, made, kept, interrupted, mirrored } = outcome;
      if (mirrored > 0) context.log(`note: the shifted patches of ${mirrored} test pairs are mirrored at the edge`);
      const left = cells - made - kept;
      const text = [
        `${made} cells run, ${kept} were there${left > 0 ? `, ${left} left` : ''}`,
        interrupted
          ? 'interrupted; run the same command again to continue'
          : `report: doppel experiment report ${args.out}`,
      ];
      return { json: { out: args.out, ...outcome }, text: text.join('\n'), exitCode: interrupted ? 130 : 0 };
    } finally {
      await generators.dispose();
    }
  },
});

/** Each checkpoint is opened once. */
class Generators {
  private readonly config: ExperimentConfig;
  private readonly context: Context;
  private readonly opened = new Map<string, Promise<LatentGenerator>>();

  constructor(config: ExperimentConfig, context: Context) {
    this.config = config;
    this.context = context;
  }

  open(name: string, budget: number): Promise<LatentGenerator> {
    const file = this.config.generators[name]!.replaceAll('{budget}', perCent(budget));
    const opened = this.opened.get(file) ?? openGeneratorFile(this.context.store, file);
    this.opened.set(file, opened);
    return opened;
  }

  async dispose(): Promise<void> {
    for (const generator of await Promise.allSettled(this.opened.values())) {
      if (generator.status === 'fulfilled') generator.value.dispose();
    }
  }
}

const machine = () => `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} threads, ${process.platform}`;

/** Commit of the working copy that holds this program; null if it is installed in another way. */
async function commit(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: dirname(fileURLToPath(import.meta.url)),
    });
    return stdout.trim();
  } catch {
    return null; // no git, or no repository: an installed doppel has neither
  }
}
