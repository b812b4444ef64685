/** `doppel bench generator`: images per second of a training step of encoder, critic and decoder, at full resolution. */
import { createGenerator, GENERATOR_PRESETS, type GeneratorPreset, stageCount } from '@doppel/core/generator';
import {
  type GeneratorLosses,
  generatorStep,
  OBJECTIVES,
  type Objective,
  zeroGeneratorMoments,
} from '@doppel/core/generator/step';
import * as tf from '@tensorflow/tfjs-core';
import { command, numberFlag } from '../command.ts';
import { BENCH_ARGS, fallbacksOf, machine, selectForBench, timeOf, transfersOf } from '../timing.ts';

/** Ends when a loss of each network has been read. */
function readLosses(losses: GeneratorLosses): void {
  const together = tf.stack(Object.values(losses).flatMap((terms) => Object.values(terms)));
  together.dataSync();
  tf.dispose([together, losses]);
}

export default command({
  meta: { name: 'generator', description: 'Images per second: a training step of encoder, critic and decoder' },
  args: {
    preset: {
      type: 'enum',
      options: Object.keys(GENERATOR_PRESETS) as GeneratorPreset[],
      default: 'small',
      description: 'Which networks',
    },
    size: {
      type: 'string',
      valueHint: '64',
      description: 'Side of the patches in pixels, a power of 2; default: the preset’s',
    },
    batch: { type: 'string', valueHint: '32', description: 'Patches a step, a multiple of 4' },
    objective: {
      type: 'enum',
      options: [...OBJECTIVES],
      default: 'vae-adversarial' as Objective,
      description: 'What is learnt',
    },
    ...BENCH_ARGS,
  },
  examples: ['doppel bench generator', 'doppel bench generator --objective vae-gan --batch 16 --json'],
  async run({ args, context }) {
    const preset = GENERATOR_PRESETS[args.preset];
    const size = numberFlag('size', args.size, { min: 8, integer: true }) ?? preset.side;
    const batch = numberFlag('batch', args.batch, { min: 4, integer: true }) ?? 32;
    const repeats = numberFlag('repeats', args.repeats, { min: 1, integer: true }) ?? 7;
    const { name: backend, device } = await selectForBench(context, args);
    const generator = createGenerator({ ...preset, side: size, seed: 1 });
    const moments = zeroGeneratorMoments(generator);
    const patches = tf.randomNormal([batch, size, size, 1], 0, 1, 'float32', 1) as tf.Tensor4D;
    // The mean as the code, as in the PyTorch script that this is compared with.
    const options = {
      objective: args.objective,
      stage: stageCount(generator.config) - 1,
      alpha: 1,
      seed: 1,
      code: 'mean',
    } as const;
    let step = 0;
    const trainOnce = () => readLosses(generatorStep(generator, moments, patches, { ...options, step: step++ }));

    const train = timeOf(trainOnce, repeats);
    const transfers = transfersOf(tf.backend(), trainOnce);
    const imagesPerSecond = (1000 * batch) / train.median;
    const memory = tf.memory() as tf.MemoryInfo & { poolBytes?: number };
    const fallbacks = fallbacksOf(tf.backend());
    return {
      json: {
        benchmark: 'generator',
        backend,
        device,
        preset: args.preset,
        objective: args.objective,
        size,
        batch,
        train: { imagesPerSecond, ...train },
        poolBytes: memory.poolBytes,
        rss: process.memoryUsage.rss(),
        ...{ fallbacks, transfers },
        machine: machine(),
      },
      text: [
        `${args.preset}, ${args.objective}, ${size}×${size}, batch ${batch}, on ${backend} (${device})`,
        `training step  ${imagesPerSecond.toFixed(1)} images/s  (${train.median.toFixed(1)} ms, ${train.fastest.toFixed(1)} to ${train.slowest.toFixed(1)})`,
        `fallback kernels: ${fallbacks.join(', ') || 'none'}`,
      ].join('\n'),
    };
  },
});
