/** Runs cells of an experiment: data set, backend and generators are opened once for all of them. */
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { joinPath } from '@doppel/core';
import type { LatentGenerator } from '@doppel/core/generator';
import {
  type ExperimentConfig,
  type ExperimentOutcome,
  parseExperiment,
  perCent,
  runExperiment,
  type Selection,
} from '@doppel/experiment';
import { alignedData } from './commands/experiment/aligned_data.ts';
import type { ComputeOptions, Context } from './context.ts';
import { openGeneratorFile } from './open_generator.ts';
import type { Watch } from './work.ts';
import { readYaml, writeYaml } from './yaml_file.ts';

export interface ExperimentRunner {
  /** Runs the cells that are missing in a folder. */
  run(out: string, selection: Selection, watch: Pick<Watch, 'signal' | 'onLog'>): Promise<ExperimentOutcome>;
  dispose(): Promise<void>;
}

/** @throws UsageError or FormatError if the configuration is invalid. */
export const readExperiment = async ({ store }: Pick<Context, 'store'>, file: string): Promise<ExperimentConfig> =>
  parseExperiment(await readYaml(store, file), file);

export async function openExperiment(
  context: Context,
  config: ExperimentConfig,
  compute: ComputeOptions,
): Promise<ExperimentRunner> {
  const { store } = context;
  const dataset = await alignedData(context, config);
  const { name: backend } = await context.selectBackend(compute);
  const generators = new Generators(config, context);
  return {
    async run(out, selection, { signal, onLog }) {
      await store.write(joinPath(out, 'experiment.yaml'), writeYaml(config));
      return runExperiment({
        ...{ store, out, config, dataset, backend, signal, selection, onLog },
        precision: compute.precision ?? 'fp32',
        generatorFor: (name, budget) => generators.open(name, budget),
        machine: machine(),
        commit: await commit(),
      });
    },
    dispose: () => generators.dispose(),
  };
}

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
