/** Does the measurement see a generator whose patches give themselves away, and one whose do not? */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../packages/core/src/base/random.ts';
import { probeAuc } from '../../packages/core/src/evaluation/linear_probe.ts';
import { measureShortcut, type ShortcutTask } from '../../packages/experiment/src/shortcut.ts';
import { dataset, fakeGenerator, model, patches } from '../core/mining/fake_generator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

describe('the linear probe', () => {
  const samples = (shift: number, n = 200) =>
    Array.from({ length: n }, (_, i) => {
      const rng = Rng.derive(i, 'probe test');
      const label = (i % 2) as 0 | 1;
      const features = [rng.normal() * 10, rng.normal() + label * shift, 3];
      return { features, label, group: String(Math.floor(i / 4)) };
    });

  it('finds what differs, and nothing where nothing does', () => {
    expect(probeAuc(samples(4))).toBeGreaterThan(0.97);
    expect(Math.abs(probeAuc(samples(0, 400)) - 0.5)).toBeLessThan(0.1);
    expect(probeAuc(samples(1))).toBeCloseTo(0.76, 1); // Φ(1/√2)
  });

  it('never sees a group on both sides, so that what only names a group helps it nothing', () => {
    // Each group has features of its own, and both labels.
    const named = Array.from({ length: 120 }, (_, i) => {
      const group = Math.floor(i / 4);
      const features = Array.from({ length: 6 }, (_, j) => Rng.derive(group, 'name', j).normal());
      return { features, label: (i % 2) as 0 | 1, group: String(group) };
    });
    expect(probeAuc(named)).toBeCloseTo(0.5, 5);
    expect(probeAuc(named.slice(0, 4))).toBeNaN();
  });
});

describe('the shortcut', () => {
  const task = (change: Partial<ShortcutTask> = {}): ShortcutTask => ({
    ...{
      dataset,
      split: 'train',
      patches,
      generator: fakeGenerator(),
      rule: 'sample',
      strength: 2,
      pairs: 100,
      seed: 1,
    },
    model: { ...model, info: { ...model.info, calibration: { temperature: 1, threshold: 0.95 } } },
    ...change,
  });

  it('is none where reconstructions are the patches themselves', async () => {
    const before = tf.memory().numTensors;
    const { real, reconstructions, negatives, pairs } = await measureShortcut(task());
    expect(tf.memory().numTensors).toBe(before);
    expect(pairs).toBe(6);
    expect(reconstructions.none.score).toBeCloseTo(real.score, 4);
    expect(reconstructions.none).toMatchObject({ called: 1, lost: 0, gained: 0 });
    expect(reconstructions.none.probeAuc, 'but for rounding').toBeLessThan(0.7);
    expect(negatives.none.probability).toBeLessThan(real.probability);
    expect(negatives.none.lost).toBeGreaterThan(0);
  });

  it('shows where a decoder has an edge of its own, and that matched speckle does not hide it', async () => {
    const generator = fakeGenerator();
    const edge = tf.tensor4d(
      Array.from({ length: 64 }, (_, i) => (i % 8 === 0 ? 6 : 0)),
      [1, 8, 8, 1],
    );
    const marked = { ...generator, decode: (z: tf.Tensor2D) => tf.add(generator.decode(z), edge) as tf.Tensor4D };
    const { real, reconstructions } = await measureShortcut(task({ generator: marked }));
    expect(reconstructions.none.probability).toBeLessThan(real.probability - 0.5);
    expect(reconstructions.none).toMatchObject({ lost: 1, called: 0 });
    expect(reconstructions.none.probeAuc).toBeGreaterThan(0.9);
    expect(reconstructions.speckle!.probeAuc).toBeGreaterThan(0.9);
  });

  it('has no probe for a matcher that takes both patches at once', async () => {
    const whole = { ...task().model, scorer: { score: model.scorer.score } };
    expect((await measureShortcut(task({ model: whole }))).reconstructions.none.probeAuc).toBeNull();
  });
});
