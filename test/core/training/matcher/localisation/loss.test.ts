/** The loss of localisation: its parts add up, learn what they are for, and leave the rest alone. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../../packages/core/src/backends/select_backend.ts';
import { localisationLoss, normalNoise } from '../../../../../packages/core/src/ops/ops.ts';
import {
  type LocalisationBatch,
  lossOfWindows,
} from '../../../../../packages/core/src/training/matcher/localisation/loss.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const [T, W, N, D] = [4, 3, 5, 8];
const noise = (shape: number[], seed: number) => normalNoise(shape, { seed, offset: 0 });

/** Cosines of descriptors by plain sums. */
function cosine(a: number[], b: number[]): number {
  const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function setUp(descriptor: number) {
  const terms = {
    maps: tf.mul(noise([T, W, N, N], 1), 0.2),
    templates: noise([T, D], 2),
    windows: noise([W, D], 3),
  };
  const at = (row: number) => (row === 2 ? 1 : 0);
  const positive = tf.tensor3d(
    Array.from({ length: W * N * N }, (_, i) => at(Math.floor(i / N) % N)),
    [W, N, N],
  );
  const rivals = tf.tensor2d([1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0], [T, W]);
  const batch = { positive, ignored: tf.zerosLike(positive), rivals, descriptor } as unknown as LocalisationBatch;
  const similarity = { logScale: tf.tensor1d([3.4]), midpoint: tf.tensor1d([0.3]) };
  return { terms, batch, similarity, positive, rivals };
}

const scalar = (x: tf.Tensor) => x.dataSync()[0]!;

describe('the loss of windows', () => {
  it('adds the cross-entropy of descriptors, by their weight', () => {
    const { terms, batch, similarity, rivals } = setUp(0.5);
    const without = scalar(lossOfWindows(terms, similarity, { ...batch, descriptor: 0 }));
    const [t, w] = [terms.templates.arraySync() as number[][], terms.windows.arraySync() as number[][]];
    const allowed = rivals.arraySync();
    const logSum = (logits: number[]) => Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    const logit = (i: number, j: number) => 20 * cosine(t[i]!, w[j]!);
    const rows = [...Array(T).keys()];
    const columns = [...Array(W).keys()];
    const losses = columns.map((j) => {
      const amongTemplates = logSum(rows.filter((i) => allowed[i]![j]).map((i) => logit(i, j)));
      const amongWindows = logSum(columns.filter((k) => allowed[j]![k]).map((k) => logit(j, k)));
      return (amongTemplates + amongWindows) / 2 - logit(j, j);
    });
    const expected = losses.reduce((sum, loss) => sum + loss, 0) / W;
    expect(scalar(lossOfWindows(terms, similarity, batch)) - without).toBeCloseTo(0.5 * expected, 4);
  });

  it('teaches the midpoint without touching maps and scale', () => {
    const { terms, batch, similarity, positive, rivals } = setUp(0);
    const { ignored } = batch;
    const gradients = (f: (...x: tf.Tensor[]) => tf.Scalar, x: tf.Tensor[]) => tf.grads(f)(x);
    const [dmaps, dscale, dmidpoint] = gradients(
      (maps, logScale, midpoint) =>
        lossOfWindows(
          { ...terms, maps: maps! },
          { logScale: logScale as tf.Tensor1D, midpoint: midpoint as tf.Tensor1D },
          batch,
        ),
      [terms.maps, similarity.logScale, similarity.midpoint],
    );
    const [alone, scaleAlone] = gradients(
      (maps, logScale) => localisationLoss(maps as tf.Tensor4D, logScale as tf.Tensor1D, { positive, ignored, rivals }),
      [terms.maps, similarity.logScale],
    );
    expect(scalar(tf.max(tf.abs(tf.sub(dmaps!, alone!))))).toBeLessThan(1e-6);
    expect(scalar(dscale!)).toBeCloseTo(scalar(scaleAlone!), 5);
    // By differences: the only way in which the loss depends on the midpoint.
    const at = (midpoint: number) =>
      scalar(lossOfWindows(terms, { ...similarity, midpoint: tf.tensor1d([midpoint]) }, batch));
    expect(scalar(dmidpoint!)).toBeCloseTo((at(0.301) - at(0.299)) / 0.002, 1);
  });
});
