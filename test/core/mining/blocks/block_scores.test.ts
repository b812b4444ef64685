import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { createMatcher } from '../../../../packages/core/src/matcher/matcher.ts';
import { createScorer } from '../../../../packages/core/src/matcher/scorer.ts';
import { blockScorer } from '../../../../packages/core/src/mining/blocks/block_scores.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
});

const side = 64;
const patches = Array.from({ length: 6 }, (_, i) => {
  const rng = Rng.derive(i, 'patch');
  return Float32Array.from({ length: side * side }, () => rng.normal());
});
const block = { index: 0, anchors: [0, 1], pool: [0, 2, 3, 5] };

async function setUp(preset: string) {
  const matcher = createMatcher({ preset, side, sarBands: 1, opticalBands: 1, seed: 1 });
  const scorer = createScorer(matcher);
  matcher.dispose();
  const source = { sar: (i: number) => patches[i]!, optical: (i: number) => patches[i]!.toReversed() };
  return { model: { scorer, info: { side, sarBands: 1, opticalBands: 1 } }, patches: source };
}

const tensorOf = (patch: Float32Array) => tf.tensor4d(patch, [1, side, side, 1]);

test.each(['paper-bn', 'two-channel'] as const)('the scores of a block are those of its pairs: %s', async (preset) => {
  const task = await setUp(preset);
  const whole = (sar: number, optical: number) =>
    tf.tidy(
      () =>
        task.model.scorer
          .score(tensorOf(task.patches.sar(sar)), tensorOf(task.patches.optical(optical)))
          .dataSync()[0]!,
    );
  let counted = 0;
  const tensors = tf.memory().numTensors;
  const score = blockScorer('match', task, { onPairs: (pairs) => (counted += pairs) });
  const { scores, positives } = await score(block);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(counted).toBe(2 * 4 + 2);
  const expected = block.anchors.flatMap((anchor) => block.pool.map((candidate) => whole(candidate, anchor)));
  scores.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });
  block.anchors.forEach((anchor, i) => {
    expect(positives[i]).toBeCloseTo(whole(anchor, anchor), 4);
  });
});

test('likenesses are cosines of the SAR stream’s features, 1 for the same patch', async () => {
  const task = await setUp('paper-bn');
  const features = await Promise.all(
    patches.map((patch) => task.model.scorer.halves!.features(tensorOf(patch), 'sar').data<'float32'>()),
  );
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const { scores, positives } = await blockScorer('likeness', task)(block);
  expect([...positives]).toEqual([1, 1]);
  expect(scores[0]).toBeCloseTo(1, 5);
  block.anchors.forEach((anchor, row) => {
    block.pool.forEach((candidate, column) => {
      expect(scores[row * 4 + column]).toBeCloseTo(cosine(features[anchor]!, features[candidate]!), 5);
    });
  });
});
