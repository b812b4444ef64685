/**
 * Batch normalisation by the statistics of a batch whose rows several processes share: that of the whole batch in one
 * process, to the order of a sum. Two small messages a layer: statistics on the way there, sums of gradients on the way
 * back.
 */
import * as tf from '@tensorflow/tfjs-core';
import { activate } from '../ops/activation.ts';
import { BATCH_NORM, BATCH_NORM_BACKPROP, type BatchNormOptions, type BatchNormResult } from '../ops/batch_norm.ts';
import { runKernelMulti } from '../ops/kernel.ts';
import type { Communicator } from './communicator.ts';
import { bytesOf, floatsOf } from './gather_rows.ts';

/** Statistics of the batch by channel, and the number of positions that they are of. */
interface Statistics {
  mean: Float32Array;
  /** Biased. */
  variance: Float32Array;
  count: number;
}

type Saved = [x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D, mean: tf.Tensor1D, variance: tf.Tensor1D];

/** Input of a normalisation, and its statistics. */
interface Normalised {
  x: tf.Tensor4D;
  gamma: tf.Tensor1D;
  mean: tf.Tensor1D;
  variance: tf.Tensor1D;
  /** Positions of the whole batch. */
  count: number;
  epsilon: number;
}

/** Normalises as `batchNorm` does the whole batch, for a process's own rows [n, h, w, c] of it. */
export function batchNormOfAll(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  { epsilon = 1e-5, activation = 'linear', leakyreluAlpha = 0.2 }: BatchNormOptions,
  communicator: Communicator,
): BatchNormResult {
  const attributes = { epsilon, activation, leakyreluAlpha };
  let statistics: Statistics | undefined;
  const normalise = tf.customGrad((...given) => {
    const [input, scale, shift] = given as unknown as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D, unknown];
    const save = given.at(-1) as unknown as tf.GradSaveFunc;
    statistics = statisticsOf(input, scale, shift, communicator); // here, where the tape keeps nothing of it
    const { count } = statistics;
    const [mean, variance] = [tf.tensor1d(statistics.mean), tf.tensor1d(statistics.variance)];
    save([input, scale, shift, mean, variance]);
    return {
      value: activate(tf.batchNorm(input, mean, variance, shift, scale, epsilon), attributes),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, gamma, beta, mean, variance] = saved as Saved;
        const [dx, dgamma, dbeta] = runKernelMulti(
          BATCH_NORM_BACKPROP,
          { dy, x, gamma, beta, mean, variance },
          attributes,
        );
        const own = { dx: dx as tf.Tensor4D, dgamma: dgamma!, dbeta: dbeta! };
        const whole = corrected(own, { x, gamma, mean, variance, count, epsilon }, communicator);
        own.dx.dispose(); // as large as an activation, and else kept until the end of the backward pass
        return [whole, dgamma!, dbeta!];
      },
    };
  });
  const y = normalise(x, gamma, beta) as tf.Tensor4D;
  return { y, mean: tf.tensor1d(statistics!.mean), variance: tf.tensor1d(statistics!.variance) };
}

/** Statistics of all rows, from those of each process. */
function statisticsOf(x: tf.Tensor4D, gamma: tf.Tensor1D, beta: tf.Tensor1D, communicator: Communicator): Statistics {
  const attributes = { epsilon: 1, activation: 'linear', leakyreluAlpha: 0 };
  const [y, ...own] = runKernelMulti(BATCH_NORM, { x, gamma, beta }, attributes); // for its statistics
  y!.dispose();
  const [means, variances] = own.map((each) => each.dataSync<'float32'>()) as [Float32Array, Float32Array];
  tf.dispose(own);
  const [rows, height, width, channels] = x.shape;
  const parts = communicator.allGather(bytesOf(Float32Array.of(rows, ...means, ...variances))).map(floatsOf);
  const allRows = parts.reduce((sum, [count]) => sum + count!, 0);
  const over = (term: (part: Float32Array, channel: number) => number) =>
    Float32Array.from({ length: channels }, (_, j) => {
      const sum = parts.reduce((total, part) => total + part[0]! * term(part, 1 + j), 0);
      return sum / allRows;
    });
  const mean = over((part, j) => part[j]!);
  const variance = over((part, j) => part[j + channels]! + (part[j]! - mean[j - 1]!) ** 2);
  return { mean, variance, count: allRows * height * width };
}

/**
 * Gradient of the own rows. The kernel takes its sums, dβ = Σg and dγ = Σ g·x̂, for those of all M positions; with those
 * of all processes,
 *
 *   dx = γ/σ · (g − dβ/M − x̂·dγ/M),
 *
 * the difference is linear in x, with a slope and an offset for each channel.
 */
function corrected(
  { dx, dgamma, dbeta }: { dx: tf.Tensor4D; dgamma: tf.Tensor; dbeta: tf.Tensor },
  { x, gamma, mean, variance, count, epsilon }: Normalised,
  communicator: Communicator,
): tf.Tensor4D {
  const sums = Float32Array.of(...dgamma.dataSync(), ...dbeta.dataSync());
  const all = sums.slice();
  communicator.allReduce(all);
  const positions = positionsOf(x);
  const [means, variances, gammas] = [mean, variance, gamma].map((each) => each.dataSync()) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const channels = means.length;
  const excess = (i: number) => sums[i]! / positions - all[i]! / count;
  const slopes = Float32Array.from(
    { length: channels },
    (_, j) => (gammas[j]! / (variances[j]! + epsilon)) * excess(j),
  );
  const offsets = Float32Array.from({ length: channels }, (_, j) => {
    return (gammas[j]! / Math.sqrt(variances[j]! + epsilon)) * excess(channels + j);
  });
  return tf.tidy(() => {
    const one = tf.ones([channels]) as tf.Tensor1D; // (x − mean) / √1 · slope + offset, in one pass
    return tf.add(dx, tf.batchNorm(x, mean, one, tf.tensor1d(offsets), tf.tensor1d(slopes), 0)) as tf.Tensor4D;
  });
}

const positionsOf = ({ shape: [n, h, w] }: tf.Tensor4D) => n * h * w;
