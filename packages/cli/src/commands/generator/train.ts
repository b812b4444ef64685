/** `doppel generator train`: trains a generator on the SAR patches of a data set, or resumes a stopped run. */
import { joinPath, UsageError } from '@doppel/core';
import { openDataset } from '@doppel/core/dataset';
import { DEFAULT_GENERATOR, GENERATORS, generatorObjectives } from '@doppel/core/generator';
import {
  type GeneratorTask,
  type GeneratorTrainingResult,
  loadLastGenerator,
  mergeSettings,
  type PartialConfig,
  resolveGeneratorTraining,
  trainGenerator,
} from '@doppel/core/training';
import { generatorCurves, generatorPictures } from '@doppel/report';
import { command, type Outcome } from '../../command.ts';
import { COMPUTE_FLAGS, type Context } from '../../context.ts';
import { choice, text, type Values, whole } from '../../flags.ts';
import { refuseProcesses } from '../../launcher.ts';
import { svgToPng } from '../../svg_to_png.ts';
import { refuseOlderRun, refuseSettings } from '../../training_command.ts';
import { readYaml, writeYaml } from '../../yaml_file.ts';

const words = { dataset: text('folder', 'Folder of the data set; not needed with --resume').optional() };
const flags = {
  config: text('file', 'Settings in YAML; docs/generator.md lists them').optional(),
  preset: choice(GENERATORS.names(), `Networks and recipe; default ${DEFAULT_GENERATOR}`).optional(),
  objective: choice(generatorObjectives(), "Training objective; default: the first of the preset's").optional(),
  seed: whole(0, 'Seed of weights, batches, augmentation and noise').optional(),
  out: text('folder', 'Folder of the run; default runs/DATASET-generator').optional(),
  resume: text('run', 'Resume the run in this folder, bit for bit').optional(),
};
type Flags = Values<typeof words & typeof flags>;

export default command({
  name: 'doppel generator train',
  words,
  flags: { ...flags, ...COMPUTE_FLAGS },
  examples: [
    'doppel generator train data/pairs --config configs/generator-small.yaml --out runs/g',
    'doppel generator train data/pairs --objective vae-gan --out runs/g2',
    'doppel generator train --resume runs/g',
  ],
  async run({ args, context }): Promise<Outcome> {
    refuseProcesses('train a generator', `Start it once: ${ONE_PROCESS}.`);
    const { name: backend, device } = await context.selectBackend(args);
    const prepared = args.resume === undefined ? await freshRun(args, context) : await resumedRun(args, context);
    const result = await context.work({ label: 'training', unit: 'patches' }, ({ signal, onLog, onProgress }) =>
      trainGenerator({
        ...{ ...prepared, backend, device, signal, onLog, pictures: generatorPictures },
        onProgress({ images, totalImages, side, alpha }) {
          const note = `side ${side}${alpha < 1 ? `, faded in ${Math.round(alpha * 100)} %` : ''}`;
          onProgress(images, totalImages, note);
        },
      }),
    );
    for (const [name, svg] of Object.entries(generatorCurves(result.rows))) {
      await context.store.write(joinPath(result.run, 'plots', `${name}.svg`), `${svg}\n`);
      await context.store.write(joinPath(result.run, 'plots', `${name}.png`), svgToPng(svg));
    }
    const { run, checkpoint, steps, images, stages, interrupted } = result;
    return {
      json: { run, checkpoint, steps, images, stages, backend, interrupted },
      text: textOf(result),
      exitCode: interrupted ? 130 : 0,
    };
  },
});

/** Reason why its batches are not shared by processes. */
const ONE_PROCESS = 'its noise and its batch statistics are those of a whole batch, which processes do not share yet';

type PreparedTask = Omit<GeneratorTask, 'backend' | 'device'>;

async function freshRun(flags: Flags, context: Context): Promise<PreparedTask> {
  const { store } = context;
  const yaml = flags.config === undefined ? {} : await readYaml(store, flags.config);
  const asked = mergeSettings([yaml, settingsOf(flags)]);
  const { data } = asked;
  if (typeof data !== 'string') {
    throw new UsageError({
      action: 'train a generator',
      expected: 'the folder of a data set',
      found: data === undefined ? 'none' : JSON.stringify(data),
      remedy: 'Name it: `doppel generator train DATASET`; `doppel data import` makes one.',
    });
  }
  const dataset = await openDataset(store, data);
  const config = resolveGeneratorTraining([asked], { data, side: dataset.header.side }, flags.config ?? 'the flags');
  const run = flags.out ?? joinPath('runs', `${data.split('/').filter(Boolean).at(-1)}-generator`);
  await refuseOlderRun(context, run);
  const onStart = () => store.write(joinPath(run, 'config.yaml'), writeYaml(config));
  return { store, dataset, run, start: { config }, onStart };
}

/** Flags that are settings, in the shape of the configuration. */
function settingsOf({ dataset, preset, objective, seed }: Flags): PartialConfig {
  return { data: dataset, preset, objective, seed };
}

/** The data set is found where the run began with it, or where the flags say it is now. */
async function resumedRun(flags: Flags, { store }: Context): Promise<PreparedTask> {
  const remedy = 'Leave it out, or start a new run.';
  refuseSettings(flags, ['config', 'preset', 'objective', 'seed', 'out'], { remedy });
  const run = flags.resume as string;
  const last = await loadLastGenerator(store, run);
  const dataset = await openDataset(store, flags.dataset ?? last.trainedOn.folder);
  return { store, dataset, run, start: { last } };
}

function textOf({ run, checkpoint, steps, images, stages, interrupted }: GeneratorTrainingResult): string {
  const last = stages.at(-1);
  return [
    ...(interrupted ? [`stopped and saved; continue with: doppel generator train --resume ${run}`] : []),
    `${steps} steps, ${images} patches, ${stages.length} stages${last ? ` up to side ${last.side}` : ''}`,
    ...(last ? [`reconstruction error ${last.reconstructionError.toFixed(3)}`] : []),
    `checkpoint: ${checkpoint}`,
  ].join('\n');
}
