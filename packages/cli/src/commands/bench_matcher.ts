/** `doppel bench matcher`: pairs per second of a training step (forward, backward, L2, Adam) and of scoring. */
import { createMatcher, type Matcher, PRESETS } from '@doppel/core/matcher';
import { classWeights } from '@doppel/core/matcher/loss';
import { createScorer } from '@doppel/core/matcher/scorer';
import { trainingStep, zeroMoments } from '@doppel/core/training/step';
import * as tf from '@tensorflow/tfjs-core';
import { command, numberFlag } from '../command.ts';
import { BENCH_ARGS, fallbacksOf, machine, selectForBench, type Timing, timeInTurn, transfersOf } from '../timing.ts';

const HYPERPARAMETERS = { learningRate: 9e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-3 };

/** The step of `doppel train` on the same batch again and again; ends when the loss has been read. */
function repeatedStep(matcher: Matcher, sar: tf.Tensor4D, optical: tf.Tensor4D): () => void {
  const rows = Array.from({ length: sar.shape[0] }, (_, i) => i);
  const labels = rows.map((i) => (i % 2) as 0 | 1);
  const batch = {
    ...{ sar, optical, pairing: { sar: rows, optical: rows } },
    labels: tf.tensor1d(labels, 'int32'),
    weights: tf.tensor1d(classWeights(labels)),
  };
  const moments = zeroMoments(matcher);
  let step = 0;
  return () => {
    const { loss, gradientNorm } = trainingStep(matcher, moments, batch, { ...HYPERPARAMETERS, seed: 1, step: step++ });
    loss.dataSync();
    tf.dispose([loss, gradientNorm]);
  };
}

export default command({
  meta: { name: 'bench matcher', description: 'Pairs per second: a training step and scoring' },
  args: {
    preset: { type: 'enum', options: [...PRESETS], default: 'paper', description: 'Which network' },
    size: { type: 'string', valueHint: '112', description: 'Side of the patches, in pixels' },
    batch: { type: 'string', valueHint: '64', description: 'Pairs a step' },
    ...BENCH_ARGS,
  },
  examples: [
    'doppel bench matcher',
    'doppel bench matcher --preset paper-bn --isa avx2 --json',
    'doppel bench matcher --batch 1',
  ],
  async run({ args, context }) {
    const size = numberFlag('size', args.size, { min: 64, integer: true }) ?? 112;
    const batch = numberFlag('batch', args.batch, { min: 1, integer: true }) ?? 64;
    const repeats = numberFlag('repeats', args.repeats, { min: 1, integer: true }) ?? 7;
    const { name: backend, device } = await selectForBench(context, args);
    const create = () => createMatcher({ preset: args.preset, side: size, sarBands: 1, opticalBands: 1, seed: 1 });
    const patches = (seed: number) => tf.randomNormal([batch, size, size, 1], 0, 1, 'float32', seed) as tf.Tensor4D;
    const [sar, optical] = [patches(1), patches(2)];

    const step = repeatedStep(create(), sar, optical);
    const scorer = createScorer(create()); // of weights that stay, as when serving
    const scoring = () => {
      const logits = scorer.score(sar, optical);
      logits.dataSync();
      logits.dispose();
    };
    const { train, infer } = timeInTurn({ train: step, infer: scoring }, repeats);
    const transfers = transfersOf(tf.backend(), step);

    const rate = ({ median }: Timing) => (1000 * batch) / median;
    const memory = tf.memory() as tf.MemoryInfo & { poolBytes?: number };
    const fallbacks = fallbacksOf(tf.backend());
    const show = (what: string, timing: Timing) =>
      `${what}  ${rate(timing).toFixed(1)} pairs/s  (${timing.median.toFixed(1)} ms, ${timing.fastest.toFixed(1)} to ${timing.slowest.toFixed(1)})`;
    return {
      json: {
        benchmark: 'matcher',
        backend,
        device,
        preset: args.preset,
        size,
        batch,
        train: { pairsPerSecond: rate(train), ...train },
        infer: { pairsPerSecond: rate(infer), ...infer },
        poolBytes: memory.poolBytes,
        rss: process.memoryUsage.rss(),
        ...{ fallbacks, transfers },
        machine: machine(),
      },
      text: [
        `${args.preset}, ${size}×${size}, batch ${batch}, on ${backend} (${device})`,
        show('training step', train),
        show('scoring      ', infer),
        `fallback kernels: ${fallbacks.join(', ') || 'none'}`,
      ].join('\n'),
    };
  },
});
