/** `doppel bench matcher`: pairs per second of a training step (forward, backward, L2, Adam) and of scoring. */
import type { SelectedBackend } from '@doppel/core/backends';
import { ARCHITECTURES, classWeights, createMatcher, createScorer, type Matcher } from '@doppel/core/matcher';
import { captureTrainingStep, trainingStep, zeroMoments } from '@doppel/core/training';

import * as tf from '@tensorflow/tfjs-core';
import { benchGraph, GRAPH_FLAG, graphText } from '../bench_graph.ts';
import { repeatedStep } from '../bench_step.ts';
import { command } from '../command.ts';
import { choice, whole } from '../flags.ts';
import { BENCH_FLAGS, backendReport, rateText, type Timing, timeInTurn, transfersOf } from '../timing.ts';

const HYPERPARAMETERS = { learningRate: 9e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-3 };

/** Patch k with patch k, every second a match. */
function pairsOf(count: number) {
  const rows = Array.from({ length: count }, (_, i) => i);
  const labels = rows.map((i) => (i % 2) as 0 | 1);
  const weights = Float32Array.from(classWeights(labels));
  return { labels: Int32Array.from(labels), weights, pairing: { sar: rows, optical: rows } };
}

/** Times the step as a graph and without, each with a separate matcher. */
async function graphOf(
  selected: SelectedBackend,
  create: () => Matcher,
  patches: readonly tf.Tensor4D[],
  repeats: number,
) {
  const [sar, optical] = (await Promise.all(patches.map((each) => each.data()))) as [Float32Array, Float32Array];
  const shape = patches[0]!.shape;
  const { labels, weights, pairing } = pairsOf(shape[0]);
  const [plainMatcher, matcher] = [create(), create()];
  const [plainMoments, moments] = [zeroMoments(plainMatcher), zeroMoments(matcher)];
  let step = 0;
  const plain = async () => {
    const batch = {
      ...{ sar: tf.tensor4d(sar, shape), optical: tf.tensor4d(optical, shape), pairing },
      ...{ labels: tf.tensor1d(labels, 'int32'), weights: tf.tensor1d(weights) },
    };
    const options = { ...HYPERPARAMETERS, seed: 1, step: step++ };
    const { loss, gradientNorm } = trainingStep(plainMatcher, plainMoments, batch, options);
    await Promise.all([loss.data(), gradientNorm.data()]);
    tf.dispose([batch.sar, batch.optical, batch.labels, batch.weights, loss, gradientNorm]);
  };
  return benchGraph(
    selected,
    { sar, optical, labels, weights },
    plain,
    (capture) =>
      captureTrainingStep(
        capture,
        matcher,
        moments,
        { sar: shape, optical: shape, pairing },
        { ...HYPERPARAMETERS, seed: 1, step: 0 },
      ),
    repeats,
  );
}

function batchOf(sar: tf.Tensor4D, optical: tf.Tensor4D) {
  const { labels, weights, pairing } = pairsOf(sar.shape[0]);
  return { sar, optical, pairing, labels: tf.tensor1d(labels, 'int32'), weights: tf.tensor1d(weights) };
}

/** Networks that learn from pairs; one that learns by localisation has `doppel bench dense`. */
const LEARNING_FROM_PAIRS = ARCHITECTURES.names().filter((name) => !ARCHITECTURES.get(name).localisation);

export default command({
  name: 'doppel bench matcher',
  flags: {
    preset: choice(LEARNING_FROM_PAIRS, 'Network; for dense see `doppel bench dense`').default('paper'),
    size: whole(64, 'Patch side, in pixels').default(112),
    batch: whole(1, 'Pairs in a step').default(64),
    ...GRAPH_FLAG,
    ...BENCH_FLAGS,
  },
  examples: [
    'doppel bench matcher',
    'doppel bench matcher --preset paper-bn --isa avx2 --json',
    'doppel bench matcher --batch 1',
    'doppel bench matcher --backend cuda --graph --json',
  ],
  async run({ args, context }) {
    const { size, batch, repeats } = args;
    const selected = await context.selectBackend(args);
    const create = () => createMatcher({ preset: args.preset, side: size, sarBands: 1, opticalBands: 1, seed: 1 });
    const patches = (seed: number) => tf.randomNormal([batch, size, size, 1], 0, 1, 'float32', seed) as tf.Tensor4D;
    const [sar, optical] = [patches(1), patches(2)];

    const step = repeatedStep(create(), batchOf(sar, optical), HYPERPARAMETERS);
    const scorer = createScorer(create()); // weights are constant, as in serving
    const scoring = () => {
      const logits = scorer.score(sar, optical);
      logits.dataSync();
      logits.dispose();
    };
    const { train, infer } = await timeInTurn({ train: step, infer: scoring }, repeats);
    const transfers = await transfersOf(tf.backend(), step);
    const graph = args.graph ? await graphOf(selected, create, [sar, optical], repeats) : undefined;

    const rate = ({ median }: Timing) => (1000 * batch) / median;
    const report = backendReport(selected);
    return {
      json: {
        benchmark: 'matcher',
        ...report,
        ...{ preset: args.preset, size, batch },
        train: { pairsPerSecond: rate(train), ...train },
        infer: { pairsPerSecond: rate(infer), ...infer },
        ...(graph && { graph }),
        transfers,
      },
      text: [
        `${args.preset}, ${size}×${size}, batch ${batch}, on ${report.backend} (${report.device})`,
        rateText('training step', rate(train), 'pairs', train),
        rateText('scoring      ', rate(infer), 'pairs', infer),
        ...(graph ? [graphText(graph)] : []),
        `fallback kernels: ${report.fallbacks.join(', ') || 'none'}`,
      ].join('\n'),
    };
  },
});
