import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { scorePairs } from '../../../packages/core/src/matcher/score_pairs.ts';
import type { PairScorer } from '../../../packages/core/src/matcher/scorer.ts';
import type { PatchSource } from '../../../packages/core/src/prepare/patch_source.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const shape = { side: 2, sarBands: 1, opticalBands: 3 };
const patches: PatchSource = {
  sar: (index) => Float32Array.from({ length: 4 }, (_, i) => index + i / 10),
  optical: async (index) => Float32Array.from({ length: 12 }, (_, i) => 2 * index - i / 10),
};

/** Mean of the SAR patch times the mean of the optical one: enough to see which patches met. */
function scorer(): PairScorer & { sarPatches: number; opticalPatches: number } {
  const means = (x: tf.Tensor4D) => tf.mean(x, [1, 2, 3], true) as tf.Tensor4D;
  const counted = {
    sarPatches: 0,
    opticalPatches: 0,
    score: (sar: tf.Tensor4D, optical: tf.Tensor4D) =>
      tf.reshape(tf.mul(means(sar), means(optical)), [-1]) as tf.Tensor1D,
    halves: {
      sar(x: tf.Tensor4D) {
        counted.sarPatches += x.shape[0];
        return means(x);
      },
      optical(x: tf.Tensor4D) {
        counted.opticalPatches += x.shape[0];
        return means(x);
      },
      join: (s: tf.Tensor4D, o: tf.Tensor4D) => tf.reshape(tf.mul(s, o), [-1]) as tf.Tensor1D,
    },
  };
  return counted;
}

const expected = ({ sar, optical }: { sar: number; optical: number }) => (sar + 0.15) * (2 * optical - 0.55);
const rng = Rng.derive(1, 'references');
const references = Array.from({ length: 50 }, () => ({ sar: rng.int(9), optical: rng.int(7) }));

describe.each(['in halves', 'as whole pairs'])('pairs scored %s', (way) => {
  const make = () => {
    const { halves, ...whole } = scorer();
    return way === 'in halves' ? { ...whole, halves } : whole;
  };

  test.each([1, 7, 64])('come back in their order, in batches of %i', async (batch) => {
    const before = tf.memory().numTensors;
    const scores = await scorePairs(references, { scorer: make(), patches, shape, batch });
    scores.forEach((score, i) => {
      expect(score).toBeCloseTo(expected(references[i]!), 3);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('stop between batches when aborted', async () => {
    const controller = new AbortController();
    const onProgress = vi.fn(() => controller.abort(new Error('enough')));
    const scoring = scorePairs(references, {
      scorer: make(),
      patches,
      shape,
      batch: 10,
      signal: controller.signal,
      onProgress,
    });
    await expect(scoring).rejects.toThrow('enough');
    expect(onProgress.mock.calls).toEqual([[10]]);
  });
});

test('halves are computed once for each SAR patch, and at most twice for each optical one', async () => {
  const counted = scorer();
  await scorePairs(references, { scorer: counted, patches, shape, batch: 16 });
  expect(counted.sarPatches).toBe(new Set(references.map((pair) => pair.sar)).size);
  expect(counted.opticalPatches).toBeLessThanOrEqual(7 + 4);
});
