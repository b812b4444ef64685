/** `doppel train`: trains a matcher on a data set, fine-tunes one with mined negatives, or resumes a stopped run. */
import { joinPath, readModel, type Store, UsageError } from '@doppel/core';
import { shareDevices } from '@doppel/core/backends';
import { sha256 } from '@doppel/core/base';
import { type Dataset, openDataset } from '@doppel/core/dataset';
import type { NegativeSet } from '@doppel/core/generator';
import { ARCHITECTURES, type Checkpoint, DEFAULT_ARCHITECTURE, readCheckpoint } from '@doppel/core/matcher';
import { readNegatives } from '@doppel/core/mining';
import {
  type Communicator,
  type FileInput,
  leftToFirst,
  loadLast,
  mergeSettings,
  type PartialConfig,
  parseConfig,
  resolveConfig,
  type TrainingConfig,
  type TrainingResult,
  type TrainingTask,
  train,
} from '@doppel/core/training';
import { trainingCurves, trainingPictures } from '@doppel/report';
import { asOneOf } from '../as_one_of.ts';
import { command, type Outcome } from '../command.ts';
import { COMPUTE_FLAGS, type ComputeOptions, type Context } from '../context.ts';
import { choice, number, text, type Values, whole } from '../flags.ts';
import { openGeneratorFile } from '../open_generator.ts';
import { svgToPng } from '../svg_to_png.ts';
import { refuseOlderRun, refuseSettings } from '../training_command.ts';
import { readYaml, writeYaml } from '../yaml_file.ts';

const words = { dataset: text('folder', 'Folder of the data set; not needed with --resume').optional() };
const flags = {
  config: text('file', 'Settings in YAML; docs/training.md lists them').optional(),
  preset: choice(ARCHITECTURES.names(), `Architecture and its recipe; default ${DEFAULT_ARCHITECTURE}`).optional(),
  epochs: whole(1, 'Epochs to train; with --resume, also beyond the first plan').optional(),
  maxSteps: whole(1, 'End after at most N steps').optional(),
  learningRate: number('Base learning rate').optional(),
  seed: whole(0, 'Seed of weights, samples, augmentation and dropout').optional(),
  out: text('folder', 'Folder of the run; default runs/DATASET-PRESET').optional(),
  resume: text('run', 'Resume the run in this folder, bit for bit').optional(),
  from: text('model', 'Start from the weights of this checkpoint, or of a model in the box').optional(),
  negatives: text('file', 'Hard negatives, as `doppel mine` writes them').optional(),
};
type Flags = Values<typeof words & typeof flags>;

export default command({
  name: 'doppel train',
  words,
  flags: { ...flags, ...COMPUTE_FLAGS },
  examples: [
    'doppel train data/pairs --epochs 10 --out runs/a',
    'doppel train data/pairs --config configs/demo.yaml --out runs/demo',
    'doppel train data/pairs --from runs/a/checkpoints/best.safetensors --negatives negatives.jsonl --out runs/b',
    'doppel train --resume runs/a',
    'mpirun -n 4 doppel train data/pairs --out runs/a',
  ],
  run: ({ args, context }) => asOneOf(context, (communicator) => trainAs(communicator, args, context)),
});

async function trainAs(communicator: Communicator, args: Flags & ComputeOptions, context: Context): Promise<Outcome> {
  const selected = await context.selectBackend(args);
  const { name: backend, device } = selected;
  const store = leftToFirst(context.store, communicator);
  const prepared = await (args.resume === undefined ? freshRun(args, context, store) : resumedRun(args, context));
  const result = await runTraining(context, {
    ...{ ...prepared, backend, device },
    communicator: shareDevices(selected, communicator, context.log),
  }).finally(() => prepared.generator?.dispose());
  for (const [name, svg] of Object.entries(trainingCurves(result.rows))) {
    await store.write(joinPath(result.run, 'plots', `${name}.png`), svgToPng(svg));
  }
  const { run, checkpoint = null, epochs, metrics, interrupted, warnings } = result;
  return {
    json: { run, checkpoint, epochs, metrics, backend, interrupted, warnings },
    text: textOf(result),
    exitCode: interrupted ? 130 : 0,
  };
}

type PreparedTask = Omit<TrainingTask, 'backend' | 'device'>;

async function freshRun(flags: Flags, context: Context, store: Store): Promise<PreparedTask> {
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
  const from = fromFile === undefined ? undefined : await startOf(context, fromFile);
  const positives = dataset.indicesOf('train').filter((index) => dataset.records[index]!.label === 1).length;
  const inherited: PartialConfig = from ? { preset: from.content.matcher.preset } : {};
  const config = resolveConfig([inherited, asked], { data, side: dataset.header.side, positives }, source);
  const { file } = config.negatives;
  const negatives = file === null ? undefined : await readMined(context, file, dataset);
  const run = flags.out ?? joinPath('runs', `${data.split('/').filter(Boolean).at(-1)}-${config.preset}`);
  await refuseOlderRun(context, run);
  const onStart = () => store.write(joinPath(run, 'config.yaml'), writeYaml(config));
  const generator = await generatorOf(context, config);
  return { store, dataset, run, start: { config, from }, negatives, generator, onStart };
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
  const { dataset: data, preset, from, epochs, maxSteps, seed, learningRate } = flags;
  return {
    ...{ data, preset, from, epochs, maxSteps, seed },
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
  const generator = await generatorOf(context, config);
  return { store: context.store, dataset, run, start: { last, epochs: flags.epochs }, negatives, generator };
}

/** Matcher that training starts from. */
async function startOf({ store }: Context, file: string): Promise<FileInput<Checkpoint>> {
  const bytes = await readModel(store, file);
  return { file, fingerprint: await sha256(bytes), content: readCheckpoint(bytes, file) };
}

async function readMined({ store }: Context, file: string, dataset: Dataset): Promise<FileInput<NegativeSet>> {
  const content = await readNegatives(store, file, dataset);
  return { file, fingerprint: await sha256(await store.read(file)), content };
}

/** Generator of negatives that are mined again during training. */
async function generatorOf({ store }: Context, { negatives: { adaptive } }: TrainingConfig) {
  return adaptive?.generator ? openGeneratorFile(store, adaptive.generator) : undefined;
}

/** Shows one bar over all steps; validation is a note behind it. */
function runTraining(context: Context, task: TrainingTask): Promise<TrainingResult> {
  return context.work({ label: 'training', unit: 'pairs' }, ({ signal, onLog, onProgress }) => {
    let at: [number, number] | undefined;
    return train({
      ...{ ...task, signal, onLog, pictures: trainingPictures },
      onProgress({ pairs, totalPairs, epoch, loss }) {
        at = [pairs, totalPairs];
        onProgress(...at, `epoch ${epoch}, loss ${loss.toFixed(3)}`);
      },
      onValidation: (pairs, total) => at && onProgress(...at, `validating ${pairs}/${total}`),
    });
  });
}

function textOf({ run, checkpoint, epochs, metrics, interrupted }: TrainingResult): string {
  const lines = interrupted ? [`stopped and saved; continue with: doppel train --resume ${run}`] : [];
  if (!checkpoint) return lines.join('\n');
  const { epoch, validationLoss, validationAuc, validationAccuracy } = metrics;
  return [
    ...lines,
    `${epochs} epochs; best on validation: epoch ${epoch}, AUC ${validationAuc?.toFixed(3)}, ` +
      `accuracy ${((validationAccuracy ?? Number.NaN) * 100).toFixed(1)} %, loss ${validationLoss?.toFixed(3)}`,
    `checkpoint: ${checkpoint}`,
  ].join('\n');
}
