/**
 * `doppel bench generator`: images per second of a training step of all networks of a generator, at full resolution.
 */
import { UsageError } from '@doppel/core';
import type { SelectedBackend } from '@doppel/core/backends';
import {
  createGenerator,
  GENERATORS,
  type Generator,
  parseNetworks,
  zeroGeneratorMoments,
} from '@doppel/core/generator';
import {
  captureGeneratorStep,
  GeneratorLearner,
  type GeneratorLosses,
  type GeneratorStepOptions,
  generatorStep,
  lossValues,
  OBJECTIVES,
  resolveGeneratorTraining,
} from '@doppel/core/training';

import * as tf from '@tensorflow/tfjs-core';
import { benchGraph, GRAPH_FLAG, graphText } from '../bench_graph.ts';
import { command } from '../command.ts';
import { choice, whole } from '../flags.ts';
import { BENCH_FLAGS, backendReport, rateText, timeOf, transfersOf } from '../timing.ts';

/** Reads a loss of each network, so that the step has ended. */
function readLosses(losses: GeneratorLosses): void {
  const together = tf.stack(Object.values(losses).flatMap((terms) => Object.values(terms)));
  together.dataSync();
  tf.dispose([together, losses]);
}

/** Times the step as a graph and without, each with a separate generator. */
async function graphOf(
  selected: SelectedBackend,
  create: () => Generator,
  batch: tf.Tensor4D,
  options: Omit<GeneratorStepOptions, 'step'>,
  repeats: number,
) {
  const patches = (await batch.data()) as Float32Array;
  const [plainGenerator, generator] = [create(), create()];
  const [plainMoments, moments] = [zeroGeneratorMoments(plainGenerator), zeroGeneratorMoments(generator)];
  let step = 0;
  const plain = async () => {
    const copy = tf.tensor4d(patches, batch.shape);
    await lossValues(generatorStep(plainGenerator, plainMoments, copy, { ...options, step: step++ }));
    copy.dispose();
  };
  return benchGraph(
    selected,
    { patches },
    plain,
    (capture) => captureGeneratorStep(capture, generator, moments, batch.shape, { ...options, step: 0 }),
    repeats,
  );
}

function progressiveStep(generator: Generator, patches: tf.Tensor4D, options: Omit<GeneratorStepOptions, 'step'>) {
  const moments = zeroGeneratorMoments(generator);
  let step = 0;
  return () => readLosses(generatorStep(generator, moments, patches, { ...options, step: step++ }));
}

/** Step of a run at which its schedules have begun. */
const MIDDLE = 2000;

/** Steps as `doppel generator train` takes them, by the preset's own recipe and its default settings. */
function learnerStep(generator: Generator, patches: tf.Tensor4D): () => Promise<unknown> {
  const { preset, config } = generator;
  const settings = resolveGeneratorTraining([{ preset }], { data: 'bench', side: config.side }, 'the benchmark');
  const [stage] = GENERATORS.get(preset).recipe.stages(settings);
  const learner = new GeneratorLearner(generator);
  let step = MIDDLE;
  return () => learner.step(tf.clone(patches), settings, stage!, { stage: 0, alpha: 1, step: step++ });
}

const noGraph = () =>
  new UsageError({
    action: 'time the step as a graph',
    expected: 'the preset paper or small',
    found: 'spatial, whose step is a graph wherever it can be',
    remedy: 'Leave out --graph.',
  });

export default command({
  name: 'doppel bench generator',
  flags: {
    preset: choice(['paper', 'small', 'spatial'], 'Networks').default('small'),
    size: whole(
      8,
      'Patch side in pixels, a power of 2, of spatial a multiple of 8; default: 64, of paper 128',
    ).optional(),
    batch: whole(4, 'Patches in a step; a multiple of 4').default(32),
    objective: choice(OBJECTIVES, 'Training objective; spatial has its own').default('vae-adversarial'),
    ...GRAPH_FLAG,
    ...BENCH_FLAGS,
  },
  examples: [
    'doppel bench generator',
    'doppel bench generator --preset spatial --batch 8',
    'doppel bench generator --objective vae-gan --batch 16 --json',
  ],
  async run({ args, context }) {
    const { preset } = args;
    const { batch, repeats } = args;
    const size = args.size ?? parseNetworks(preset, {}).side;
    const selected = await context.selectBackend(args);
    const create = () => createGenerator({ preset, side: size, seed: 1 });
    const generator = create();
    const patches = tf.randomNormal([batch, size, size, 1], 0, 1, 'float32', 1) as tf.Tensor4D;
    // The mean as the code, as in the PyTorch script that this is compared with.
    const options = {
      objective: args.objective,
      stage: GENERATORS.get(preset).sides(generator.config).length - 1,
      alpha: 1,
      seed: 1,
      code: 'mean',
    } as const;
    const isSpatial = preset === 'spatial';
    if (isSpatial && args.graph) throw noGraph();
    const trainOnce = isSpatial ? learnerStep(generator, patches) : progressiveStep(generator, patches, options);

    const train = await timeOf(trainOnce, repeats);
    const transfers = await transfersOf(tf.backend(), trainOnce);
    const graph = args.graph ? await graphOf(selected, create, patches, options, repeats) : undefined;
    const imagesPerSecond = (1000 * batch) / train.median;
    const report = backendReport(selected);
    const objective = isSpatial ? GENERATORS.get(preset).recipe.objectives[0] : args.objective;
    return {
      json: {
        benchmark: 'generator',
        ...report,
        ...{ preset: args.preset, objective, size, batch },
        train: { imagesPerSecond, ...train },
        ...(graph && { graph }),
        transfers,
      },
      text: [
        `${args.preset}, ${objective}, ${size}×${size}, batch ${batch}, on ${report.backend} (${report.device})`,
        rateText('training step', imagesPerSecond, 'images', train),
        ...(graph ? [graphText(graph)] : []),
        `fallback kernels: ${report.fallbacks.join(', ') || 'none'}`,
      ].join('\n'),
    };
  },
});
