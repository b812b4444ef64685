import * as tf from '@tensorflow/tfjs-core';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, test } from 'vitest';
import { SplitError, UsageError } from '../../../packages/core/src/errors.ts';
import { evaluateGenerator, type QualityTask } from '../../../packages/core/src/generator/quality.ts';
import { qualityPictures } from '../../../packages/report/src/generator_quality/pictures.ts';
import { quizOf } from '../../../packages/report/src/generator_quality/quiz.ts';
import { qualityHtml } from '../../../packages/report/src/generator_quality/report.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { fakeDataset, fakeGenerator, fresh, noisePatch, normalisation, prepared, SIDE } from './quality/fake_data.ts';
import { spatialGenerator } from './spatial/fixture.ts';

const dataset = fakeDataset();
const sliced = { neighbourhoods: 32, directions: 32 };
/** Features of two numbers: the contrast between neighbours, and between the two halves of a patch. */
const matcher = {
  scorer: {
    halves: {
      features: (x: tf.Tensor4D) =>
        tf.tidy(() => {
          const [left, right] = tf.split(x, 2, 2) as [tf.Tensor4D, tf.Tensor4D];
          const rows = tf.sub(
            tf.slice(x, [0, 1, 0, 0], [-1, SIDE - 1, -1, -1]),
            tf.slice(x, 0, [-1, SIDE - 1, -1, -1]),
          );
          const features = [tf.mean(tf.square(rows), [1, 2, 3]), tf.mean(tf.abs(tf.sub(left, right)), [1, 2, 3])];
          return tf.stack(features, 1) as tf.Tensor2D;
        }),
    },
  },
  ...{ normalisation, info: { fingerprint: 'm'.repeat(64) } },
};
const evaluate = (patch: (i: number) => Float32Array, change: Partial<QualityTask> = {}) =>
  evaluateGenerator({
    generator: fakeGenerator(patch),
    dataset,
    matcher,
    count: 60,
    pairs: 60,
    judgeSteps: 0,
    sliced,
    ...change,
  });

/** One that several tests look at. */
let ofTwenty: Awaited<ReturnType<typeof evaluate>>;

beforeAll(async () => {
  await selectProcessorBackend();
  ofTwenty = await evaluate(fresh, { count: 20 });
});

test('a generator of real patches is as near to real ones as they are to each other', async () => {
  const { quality } = await evaluate(fresh);
  const { slicedWasserstein, kernelDistance, values, looks, diversity, memorisation } = quality;
  expect(quality.count).toBe(60);
  for (const { ratio } of [slicedWasserstein.mean.heldOut, slicedWasserstein.mean.learned]) {
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  }
  const { generated, real } = kernelDistance!.heldOut;
  const { errors } = kernelDistance!;
  expect(Math.abs(generated)).toBeLessThan(5 * errors.heldOut.generated!);
  expect(Math.abs(real)).toBeLessThan(5 * errors.heldOut.real!);
  expect(values.unit).toBe('dB');
  expect(values.heldOut.generated).toBeLessThan(0.3);
  expect(values.histogram.generated.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  expect(looks!.generated.median! / looks!.heldOut.median!).toBeCloseTo(1, 0);
  expect(diversity.generated.mean - diversity.heldOut.mean).toBeLessThan(0.05);
  expect(memorisation.patterns.copies).toBe(0);
  expect(memorisation.patterns.closer).toBeLessThan(0.1);
  expect(quality.scale).toMatchObject({ kind: 'typical', unit: 'amplitude', shown: 'dB', low: 1 });
  expect(quality.notMeasured).toEqual([]);
});

test('noise is far from real patches in all respects', async () => {
  const { quality } = await evaluate(noisePatch);
  const { slicedWasserstein, kernelDistance, looks } = quality;
  expect(slicedWasserstein.mean.learned.ratio).toBeGreaterThan(1.6);
  expect(slicedWasserstein.mean.learned.scrambled).toBeGreaterThan(1.6 * slicedWasserstein.mean.learned.real);
  expect(kernelDistance!.heldOut.generated).toBeGreaterThan(10 * Math.abs(kernelDistance!.heldOut.real));
  expect(looks!.generated.median!).not.toBeCloseTo(looks!.heldOut.median!, 0);
  expect(slicedWasserstein.levels.map(({ side }) => side)).toEqual([32, 16]);
  const { contrast } = slicedWasserstein.levels[1]!;
  expect(contrast.generated).toBeLessThan(0.5 * contrast.heldOut);
});

test('a constant has no diversity, and copies are found', async () => {
  const { quality: same } = await evaluate(() => fresh(1), { count: 20 });
  expect(same.diversity.generated.mean).toBeCloseTo(1, 5);
  expect(same.diversity.heldOut.mean).toBeLessThan(0.7);
  const train = dataset.indicesOf('train');
  const { quality: copied, shown } = await evaluate((i) => prepared(train[i % train.length]!), { count: 20 });
  const { patterns, features } = copied.memorisation;
  expect(patterns.copies).toBe(1);
  expect(features!.closer).toBe(1);
  expect(shown.nearest[0]).toMatchObject({ row: 0, record: train[0], distance: 0 });
});

test('a flat patch is measured, not stumbled over', async () => {
  const { quality } = await evaluate(() => new Float32Array(SIDE * SIDE).fill(3), { count: 20 });
  expect(quality.looks!.generated.median).toBeNull();
  expect(Number.isFinite(quality.slicedWasserstein.mean.heldOut.generated)).toBe(true);
  expect(quality.memorisation.patterns.copies).toBe(0);
});

test('the same seed gives the same figures, and leaves no tensors', async () => {
  const before = tf.memory().numTensors;
  const again = await evaluate(fresh, { count: 20 });
  expect(again.quality).toEqual(ofTwenty.quality);
  expect(tf.memory().numTensors).toBe(before);
  expect((await evaluate(fresh, { count: 20, seed: 2 })).quality.slicedWasserstein).not.toEqual(
    ofTwenty.quality.slicedWasserstein,
  );
});

test('without a matcher, or one without streams, the kernel distance is left out with the reason', async () => {
  const { quality } = await evaluate(fresh, { count: 20, matcher: undefined });
  expect(quality.kernelDistance).toBeNull();
  expect(quality.memorisation.features).toBeNull();
  expect(quality.notMeasured).toEqual([{ figure: 'kernelDistance', reason: 'No matcher was given.' }]);
  const two = await evaluate(fresh, { count: 20, matcher: { ...matcher, scorer: {} } });
  expect(two.quality.notMeasured[0]!.reason).toContain('no separate SAR stream');
});

test('a generator that draws speckle is measured by patches made of held-out ones, and shows its moves', async () => {
  const generator = spatialGenerator(SIDE, ['place-0'], 1);
  const before = tf.memory().numTensors;
  const calls: number[] = [];
  // Half of the real patches match, and no made one does.
  const score = (sar: tf.Tensor4D) => {
    const isFirst = calls.push(sar.shape[0]) === 1;
    return tf.tensor1d(Array.from({ length: sar.shape[0] }, (_, i) => (isFirst && i % 2 === 0 ? 1 : -1)));
  };
  const calling = {
    ...{ scorer: { ...matcher.scorer, score }, normalisation },
    info: { ...matcher.info, calibration: { temperature: 1, threshold: 0.5 } },
  };
  const { quality, shown } = await evaluateGenerator({
    ...{ generator, dataset: { ...dataset, readOptical: dataset.readSar }, matcher: calling as never, sliced },
    ...{ count: 8, pairs: 8, judgeSteps: 0 },
  });
  expect(shown.made!.count).toBe(quality.likeness.patches);
  const { texture, matches } = quality.likeness;
  expect(texture.made.deviation / texture.real.deviation, 'speckle is as strong as that of the sources').toBeCloseTo(
    1,
    0,
  );
  expect(matches).toEqual({ called: Math.ceil(quality.likeness.patches / 2), lost: 1 });
  const [source, ground, ...moves] = shown.moves!;
  expect([source!.name, ground!.name, moves.length]).toEqual(['source', 'ground', 7]);
  for (const { name, patches } of moves) {
    expect(patches.count, name).toBe(source!.patches.count);
    expect(patches.data, name).not.toEqual(source!.patches.data);
  }
  expect(tf.memory().numTensors).toBe(before);
  generator.dispose();
});

describe('what does not fit is refused', () => {
  const refused = (change: Partial<QualityTask>) => evaluate(fresh, { count: 20, ...change });

  test('a generator that learned from held-out places', async () => {
    const trainedOn = { dataFingerprint: dataset.fingerprint, places: { train: ['place-9'], validation: [] } };
    await expect(refused({ generator: fakeGenerator(fresh, { trainedOn }) })).rejects.toThrow(SplitError);
  });

  test('another side, or a matcher of another normalisation', async () => {
    await expect(refused({ generator: fakeGenerator(fresh, { side: 64 }) })).rejects.toThrow(UsageError);
    const sar = { ...normalisation.sar, clip: null };
    const other = { ...matcher, normalisation: { ...normalisation, sar } };
    await expect(refused({ matcher: other })).rejects.toThrow(/sar.clip/);
  });

  test('patches that are not finite, and an interruption', async () => {
    await expect(
      refused({ generator: fakeGenerator(() => new Float32Array(SIDE * SIDE).fill(Number.NaN)) }),
    ).rejects.toThrow(/finite/);
    await expect(refused({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});

test('the report shows every figure beside the real one, and the quiz keeps its key apart', async () => {
  const { quality, shown } = ofTwenty;
  const { records } = dataset;
  const { pictures, sheets } = await qualityPictures({ shown, records, training: async (i) => prepared(i) });
  expect(decode(sheets['nearest.png']).width).toBeGreaterThan(2 * SIDE);
  const html = qualityHtml({
    ...{ quality, pictures, matcher: null },
    generator: { file: 'g<1>.safetensors', fingerprint: 'g'.repeat(64), side: SIDE, latent: 6, preset: 'small' },
    data: { folder: 'fake', fingerprint: dataset.fingerprint, attribution: 'Made by a test' },
    run: { backend: 'cpu', date: new Date(0), version: '0' },
  });
  for (const part of [
    'Sliced Wasserstein',
    'Kernel distance',
    'Speckle',
    'Variety',
    'Learned by heart?',
    'Made by a test',
  ]) {
    expect(html.includes(part), part).toBe(true);
  }
  expect(html.includes('g&lt;1&gt;.safetensors')).toBe(true);
  const text = html.replaceAll(/data:[^"]*/g, '');
  expect(text.match(/NaN|undefined|Infinity/)).toBeNull();
  expect(/(src|href)="http/.test(html)).toBe(false);

  const quiz = quizOf(shown, records, { seed: 1, generator: 'g' });
  const count = (answer: string) => quiz.key.answers.filter((each) => each.answer === answer).length;
  expect([count('real'), count('generated')]).toEqual([20, 20]);
  expect(quiz.key.answers.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  expect(quiz.page.match(/<img /g)).toHaveLength(40);
  expect(quiz.page.includes('pair-')).toBe(false);
  expect(quizOf(shown, records, { seed: 1, generator: 'g' })).toEqual(quiz);
  expect(quizOf(shown, records, { seed: 2, generator: 'g' }).key.answers).not.toEqual(quiz.key.answers);
});
