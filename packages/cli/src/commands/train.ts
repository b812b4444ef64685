/** `doppel train`: trains a matcher on a data set, trains one on with mined negatives, or takes up a run that was stopped. */

import { joinPath, UsageError } from '@doppel/core';
import { sha256 } from '@doppel/core/base';
import { type Dataset, openDataset } from '@doppel/core/dataset';
import type { NegativeSet } from '@doppel/core/generator';
import { type Checkpoint, PRESETS, readCheckpoint } from '@doppel/core/matcher';
import { readTrainingNegatives } from '@doppel/core/mining';
import { mergeSettings, type PartialConfig } from '@doppel/core/runs';
import {
  type FileInput,
  loadLast,
  parseConfig,
  resolveConfig,
  type TrainingConfig,
  type TrainingResult,
  type TrainingTask,
  train,
} from '@doppel/core/training';
import { trainingCurves, trainingPictures } from '@doppel/report';

import { command, numberFlag, type Outcome } from '../command.ts';
import { COMPUTE_FLAGS, type Context } from '../context.ts';
import { openGeneratorFile } from '../open_generator.ts';
import { svgToPng } from '../svg_to_png.ts';
import { RunProgress, refuseOlderRun, refuseSettings } from '../training_command.ts';
import { readYaml, writeYaml } from '../yaml_file.ts';

export default command({
  meta: { name: 'train', description: 'Train a matcher on a data set' },
  args: {
    dataset: { type: 'positional', required: false, description: 'Folder of the data set; not needed with --resume' },
    config: { type: 'string', valueHint: 'file', description: 'Settings in YAML; docs/training.md lists them' },
    preset: { type: 'enum', options: [...PRESETS], description: 'Architecture and its recipe; default paper-bn' },
    epochs: {
      type: 'string',
      valueHint: 'n',
      description: 'Epochs to train; with --resume, also beyond the first plan',
    },
    maxSteps: { type: 'string', valueHint: 'n', description: 'End after so many steps' },
    learningRate: { type: 'string', valueHint: 'x', description: 'Base learning rate' },
    seed: { type: 'string', valueHint: 'n', description: 'Of weights, samples, augmentation and dropout' },
    out: { type: 'string', valueHint: 'folder', description: 'Folder of the run; default runs/DATASET-PRESET' },
    resume: { type: 'string', valueHint: 'run', description: 'Take up the run in this folder, bit for bit' },
    from: { type: 'string', valueHint: 'file', description: 'Train on from the weights of this checkpoint' },
    negatives: { type: 'string', valueHint: 'file', description: 'Hard negatives, as `doppel mine` writes them' },
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel train data/pairs --epochs 10 --out runs/a',
    'doppel train data/pairs --config configs/demo.yaml --out runs/demo',
    'doppel train data/pairs --from runs/a/checkpoints/best.safetensors --negatives negatives.jsonl --out runs/b',
    'doppel train --resume runs/a',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { name: backend, device } = await context.selectBackend(args.backend, args.precision);
    const prepared = args.resume === undefined ? await freshRun(args, context) : await resumedRun(args, context);
    const result = await withProgress(context, { ...prepared, backend, device }).finally(() =>
      prepared.generator?.dispose(),
    );
    for (const [name, svg] of Object.entries(trainingCurves(result.rows))) {
      await context.store.write(joinPath(result.run, 'plots', `${name}.png`), svgToPng(svg));
    }
    const { run, checkpoint = null, epochs, metrics, interrupted, warnings } = result;
    return {
      json: { run, checkpoint, epochs, metrics, backend, interrupted, warnings },
      text: textOf(result),
      exitCode: interrupted ? 130 : 0,
    };
  },
});

interface Flags {
  dataset?: string | undefined;
  config?: string | undefined;
  preset?: string | undefined;
  epochs?: string | undefined;
  maxSteps?: string | undefined;
  learningRate?: string | undefined;
  seed?: string | undefined;
  out?: string | undefined;
  resume?: string | undefined;
  from?: string | undefined;
  negatives?: string | undefined;
}

type PreparedTask = Omit<TrainingTask, 'backend' | 'device'>;

async function freshRun(flags: Flags, context: Context): Promise<PreparedTask> {
  const { store } = context;
  const yaml = flags.config === undefined ? {} : await readYaml(store, flags.config);
  const asked = mergeSettings([yaml, settingsOf(flags)]);
  const source = flags.config ?? 'the flags';
  const data = textSetting(asked, 'data', source);
  if (data === undefined) {
    throw new UsageError({
      action: 'train',
      expected: 'the folder of a data set',
      found: 'none',
      remedy: 'Name it: `doppel train DATASET`; `doppel data import` makes one.',
    });
  }
  const dataset = await openDataset(store, data);
  const fromFile = textSetting(asked, 'from', source);
  const from = fromFile === undefined ? undefined : await readModel(context, fromFile);
  const positives = dataset.indicesOf('train').filter((index) => dataset.records[index]!.label === 1).length;
  const inherited: PartialConfig = from ? { preset: from.content.matcher.preset } : {};
  const config = resolveConfig([inherited, asked], { data, side: dataset.header.side, positives }, source);
  const { file } = config.negatives;
  const negatives = file === null ? undefined : await readMined(context, file, dataset);
  const run = flags.out ?? joinPath('runs', `${data.split('/').filter(Boolean).at(-1)}-${config.preset}`);
  await refuseOlderRun(context, run);
  await store.write(joinPath(run, 'config.yaml'), writeYaml(config));
  return { store, dataset, run, start: { config, from }, negatives, generator: await generatorOf(context, config) };
}

/** A setting that is needed before the others can be resolved. */
function textSetting(settings: PartialConfig, key: string, source: string): string | undefined {
  const value = settings[key] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  const found = JSON.stringify(value);
  throw new UsageError({ action: `use the configuration of ${source}`, expected: `a path for "${key}"`, found });
}

/** Flags that are settings, in the shape of the configuration. */
function settingsOf(flags: Flags): PartialConfig {
  const count = { min: 1, integer: true };
  const learningRate = numberFlag('learning-rate', flags.learningRate);
  return {
    data: flags.dataset,
    preset: flags.preset,
    from: flags.from,
    epochs: numberFlag('epochs', flags.epochs, count),
    maxSteps: numberFlag('max-steps', flags.maxSteps, count),
    seed: numberFlag('seed', flags.seed, { min: 0, integer: true }),
    ...(learningRate !== undefined && { optimiser: { learningRate } }),
    ...(flags.negatives !== undefined && { negatives: { file: flags.negatives } }),
  };
}

/** Data set and negatives are found where the run began with them, or where the flags say they are now. */
async function resumedRun(flags: Flags, context: Context): Promise<PreparedTask> {
  refuseSettings(flags, ['config', 'preset', 'maxSteps', 'learningRate', 'seed', 'out', 'from'], {
    but: '--epochs',
    remedy: 'Leave it out; or start a new run by --from, which takes the weights.',
  });
  const run = flags.resume as string;
  const last = await loadLast(context.store, run);
  const dataset = await openDataset(context.store, flags.dataset ?? last.trainedOn.folder);
  const config = parseConfig(last.training, run);
  const file = flags.negatives ?? config.negatives.file;
  const negatives = file === null ? undefined : await readMined(context, file, dataset);
  const epochs = numberFlag('epochs', flags.epochs, { min: 1, integer: true });
  const generator = await generatorOf(context, config);
  return { store: context.store, dataset, run, start: { last, epochs }, negatives, generator };
}

async function readModel({ store }: Context, file: string): Promise<FileInput<Checkpoint>> {
  const bytes = await store.read(file);
  return { file, fingerprint: await sha256(bytes), content: readCheckpoint(bytes, file) };
}

async function readMined({ store }: Context, file: string, dataset: Dataset): Promise<FileInput<NegativeSet>> {
  const content = await readTrainingNegatives(store, file, dataset);
  return { file, fingerprint: await sha256(await store.read(file)), content };
}

/** For negatives that are found anew. */
async function generatorOf({ store }: Context, { negatives: { adaptive } }: TrainingConfig) {
  return adaptive?.generator ? openGeneratorFile(store, adaptive.generator) : undefined;
}

/** One bar over all steps; validation shows as a note. */
async function withProgress(context: Context, task: TrainingTask): Promise<TrainingResult> {
  const progress = new RunProgress(context, 'pairs');
  let done = 0;
  try {
    return await train({
      ...task,
      pictures: trainingPictures,
      signal: context.signal,
      onLog: (line) => progress.log(line),
      onProgress({ pairs, totalPairs, epoch, loss }) {
        done = pairs;
        progress.update(pairs, totalPairs, `epoch ${epoch}, loss ${loss.toFixed(3)}`);
      },
      onValidation: (pairs, total) => progress.note(done, `validating ${pairs}/${total}`),
    });
  } finally {
    progress.stop();
  }
}

function textOf({ run, checkpoint, epochs, metrics, interrupted }: TrainingResult): string {
  const lines = interrupted ? [`stopped and saved; go on by: doppel train --resume ${run}`] : [];
  if (!checkpoint) return lines.join('\n');
  const { epoch, validationLoss, validationAuc, validationAccuracy } = metrics;
  return [
    ...lines,
    `${epochs} epochs; best on validation: epoch ${epoch}, AUC ${validationAuc?.toFixed(3)}, ` +
      `accuracy ${((validationAccuracy ?? Number.NaN) * 100).toFixed(1)} %, loss ${validationLoss?.toFixed(3)}`,
    `checkpoint: ${checkpoint}`,
  ].join('\n');
}
