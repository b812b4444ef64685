/**
 * `doppel bench dense`: a training step by localisation (both towers, all correlation maps, backward, Adam), scoring of
 * pairs, and the cells of one tile of each sensor.
 */
import { createMatcher, createScorer, type MatchScorer } from '@doppel/core/matcher';

import * as tf from '@tensorflow/tfjs-core';
import { repeatedStep } from '../bench_step.ts';
import { command } from '../command.ts';
import { whole } from '../flags.ts';
import { BENCH_FLAGS, backendReport, rateText, type Timing, timeOf } from '../timing.ts';

const HYPERPARAMETERS = { learningRate: 2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-5 };
/** Patch side and largest displacement of a template in its window, in pixels. */
const [SIDE, SEARCH] = [64, 16];
/** Pixels between neighbouring cells. */
const STRIDE = 2;
/** Distances in pixels up to which a place counts as right, and up to which it counts neither way. */
const [DISC, RING] = [3, 5];
const DESCRIPTOR = 0.1;

const normal = (n: number, side: number, bands: number, seed: number) =>
  tf.randomNormal([n, side, side, bands], 0, 1, 'float32', seed) as tf.Tensor4D;

/** Masks of the places within a distance of the centre of each window: [windows, n, n] each. */
function masksOf(windows: number): { positive: tf.Tensor3D; ignored: tf.Tensor3D } {
  const n = (2 * SEARCH) / STRIDE + 1;
  const centre = (n - 1) / 2;
  const distances = Array.from({ length: n * n }, (_, i) =>
    Math.hypot(STRIDE * (Math.floor(i / n) - centre), STRIDE * ((i % n) - centre)),
  );
  const mask = (holds: (distance: number) => boolean) => {
    const one = tf.tensor3d(
      distances.map((distance) => Number(holds(distance))),
      [1, n, n],
    );
    return tf.tile(one, [windows, 1, 1]);
  };
  return { positive: mask((d) => d <= DISC), ignored: mask((d) => d > DISC && d <= RING) };
}

function batchOf(windows: number) {
  const [sar, optical] = [normal(windows, SIDE, 1, 1), normal(windows, SIDE + 2 * SEARCH, 3, 2)];
  const rivals = tf.ones([windows, windows]) as tf.Tensor2D;
  return { sar, optical, ...masksOf(windows), rivals, descriptor: DESCRIPTOR };
}

/** Runs `f` until a number of its result has been read. */
function settled(f: () => tf.Tensor): () => void {
  return () => {
    const result = f();
    tf.tidy(() => tf.slice(tf.reshape(result, [-1]), 0, 1).dataSync());
    result.dispose();
  };
}

/** Scoring of `pairs` pairs, and the cells of one tile of each sensor. */
function scoringOf(scorer: MatchScorer, pairs: number, side: number): Record<'score' | 'sar' | 'optical', () => void> {
  const { sar: sarTower, optical: opticalTower } = scorer.halves!;
  const [sar, optical] = [normal(pairs, SIDE, 1, 3), normal(pairs, SIDE, 3, 4)];
  const [sarTile, opticalTile] = [normal(1, side, 1, 5), normal(1, side, 3, 6)];
  return {
    score: settled(() => scorer.score(sar, optical)),
    sar: settled(() => sarTower(sarTile)),
    optical: settled(() => opticalTower(opticalTile)),
  };
}

export default command({
  name: 'doppel bench dense',
  flags: {
    batch: whole(2, 'Templates, and windows, in a training step').default(32),
    pairs: whole(1, 'Pairs in a call of scoring').default(64),
    width: whole(8, 'Channels of the stem, a multiple of 8').default(32),
    tile: whole(64, 'Side of the tile in pixels, a multiple of 8').default(1024),
    ...BENCH_FLAGS,
  },
  examples: ['doppel bench dense', 'doppel bench dense --backend native --threads 2 --json'],
  async run({ args, context }) {
    const { batch, pairs, width, tile, repeats } = args;
    const selected = await context.selectBackend(args);
    const network = { preset: 'dense', width, side: SIDE, sarBands: 1, opticalBands: 3 } as const;
    const create = () => createMatcher({ ...network, seed: 1 });
    const scoring = scoringOf(createScorer(create()), pairs, tile);
    // Each by itself, as a training run or a server does it: between different work, memory is dealt out anew.
    const times = {
      train: await timeOf(repeatedStep(create(), batchOf(batch), HYPERPARAMETERS), repeats),
      score: await timeOf(scoring.score, repeats),
      sar: await timeOf(scoring.sar, repeats),
      optical: await timeOf(scoring.optical, repeats),
    };

    const rate = (count: number, { median }: Timing) => (1000 * count) / median;
    const report = backendReport(selected);
    const imagesPerSecond = rate(2 * batch, times.train);
    const pairsPerSecond = rate(pairs, times.score);
    const [sarSeconds, opticalSeconds] = [times.sar.median / 1000, times.optical.median / 1000];
    return {
      json: {
        benchmark: 'dense',
        ...report,
        ...{ width, batch, pairs },
        train: { imagesPerSecond, ...times.train },
        score: { pairsPerSecond, ...times.score },
        tile: { side: tile, sarSeconds, opticalSeconds },
      },
      text: [
        `dense, width ${width}, templates of ${SIDE} and windows of ${SIDE + 2 * SEARCH} pixels, batch ${batch}, on ${report.backend} (${report.device})`,
        rateText('training step', imagesPerSecond, 'images', times.train),
        rateText('scoring      ', pairsPerSecond, 'pairs', times.score),
        `a tile of ${tile}²  SAR ${sarSeconds.toFixed(3)} s, optical ${opticalSeconds.toFixed(3)} s`,
        `fallback kernels: ${report.fallbacks.join(', ') || 'none'}`,
      ].join('\n'),
    };
  },
});
