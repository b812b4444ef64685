/** The softmax over a batch, margins of made negatives, and what a batch hands them. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { variableGradients } from '../../../../packages/core/src/ops/variable_gradients.ts';
import { pairsOf } from '../../../../packages/core/src/training/matcher/batch_pairs.ts';
import type { TrainingConfig } from '../../../../packages/core/src/training/matcher/config.ts';
import { lossSchema, marginSchema } from '../../../../packages/core/src/training/matcher/hard_settings.ts';
import { lossOfPairs, marginOf } from '../../../../packages/core/src/training/matcher/pair_loss.ts';
import type { StepPlan } from '../../../../packages/core/src/training/matcher/sampler.ts';
import { selectProcessorBackend } from '../../../backends.ts';
import { guardWhere } from '../../dataset/fake_guard.ts';

beforeAll(selectProcessorBackend);

const SCORES = [2, -0.5, 1.5, 0.3, -1, 4];
const LABELS = [1, 1, 0, 0, 0, 0] as const;
const WEIGHTS = [0.25, 0.25, 1 / 6, 1 / 6, 1 / 6, 0];

interface Case {
  weights?: number[];
  leftOut?: number;
  margins?: NonNullable<Parameters<typeof lossOfPairs>[1]['margins']>;
}

/** Loss, and its gradients by scores and by the logarithm of the scale. */
function lossOf({ weights = WEIGHTS, ...more }: Case, settings?: object, log = 0.4) {
  const scores = tf.variable(tf.tensor1d(SCORES));
  const scale = tf.variable(tf.tensor1d([log]));
  const [labels, weightsOf] = [tf.tensor1d([...LABELS], 'int32'), tf.tensor1d(weights)];
  const parsed = settings && lossSchema.parse(settings);
  const { value, grads } = variableGradients(() => {
    const logits = tf.stack([tf.zerosLike(scores), scores], 1) as tf.Tensor2D;
    return lossOfPairs(logits, { labels, weights: weightsOf, ...more }, parsed, scale as tf.Tensor1D);
  }, [scores, ...(settings ? [scale] : [])]);
  const found = {
    loss: value.dataSync()[0]!,
    scores: [...grads[scores.name]!.dataSync()],
    scale: grads[scale.name]?.dataSync()[0],
  };
  tf.dispose([scores, scale, labels, weightsOf, value, grads]);
  return found;
}

/** The definition, in plain numbers. */
const softmaxOf = (negatives: readonly number[], log: number) => {
  const e = (score: number) => Math.exp(score * Math.exp(log));
  const all = negatives.reduce((sum, i) => sum + e(SCORES[i]!), 0);
  return [0, 1].reduce((sum, i) => sum - Math.log(e(SCORES[i]!) / (e(SCORES[i]!) + all)), 0) / 2;
};

describe('the softmax of a batch', () => {
  it('puts each positive above every negative that counts, at a scale that it learns', () => {
    const alone = { crossEntropy: 0 };
    const { loss, scale, scores } = lossOf({}, alone);
    expect(loss).toBeCloseTo(softmaxOf([2, 3, 4], 0.4), 5);
    const step = 1e-3;
    const difference = softmaxOf([2, 3, 4], 0.4 + step) - softmaxOf([2, 3, 4], 0.4 - step);
    expect(scale).toBeCloseTo(difference / (2 * step), 3);
    expect(scores[5]).toBe(0); // weight 0: in no loss
    expect(scores[0]).toBeLessThan(0);
    expect(scores[2]).toBeGreaterThan(0);
  });

  it('stands beside cross-entropy, and without settings there is cross-entropy alone', () => {
    const plain = lossOf({}).loss;
    const entropy = SCORES.reduce((sum, s, i) => sum + WEIGHTS[i]! * Math.log1p(Math.exp(LABELS[i] ? -s : s)), 0);
    expect(plain).toBeCloseTo(entropy, 5);
    expect(lossOf({}, { softmax: 2, crossEntropy: 0.5 }).loss).toBeCloseTo(
      2 * softmaxOf([2, 3, 4], 0.4) + 0.5 * entropy,
      4,
    );
  });

  it('leaves the hardest negatives out, which then learn nothing from it', () => {
    const rest = [2, 3, 4];
    for (const leftOut of [1, 2]) {
      const { loss, scores } = lossOf({ leftOut }, { crossEntropy: 0 });
      expect(loss).toBeCloseTo(softmaxOf(rest.slice(leftOut), 0.4), 5);
      for (const i of rest) expect(scores[i] === 0).toBe(i - 2 < leftOut);
    }
  });
});

describe('a margin', () => {
  it('grows with the share of the patch that was changed', () => {
    const settings = marginSchema.parse({ size: 2 });
    expect([0, 0.05, 0.175, 0.3, 1].map((share) => marginOf(settings, share).toFixed(9))).toEqual(
      [0, 0, 1, 2, 2].map((margin) => margin.toFixed(9)),
    );
    expect(marginSchema.safeParse({ from: 0.4 }).error?.issues[0]?.message).toMatch(/above "from"/);
  });

  it('holds a made negative below its positive, and is content where it is', () => {
    const margins = (size: number) => ({ pairs: [{ made: 5, own: 0 }], sizes: [size], weight: 0.5 });
    const [plain, held] = [lossOf({}), lossOf({ margins: margins(1) })];
    expect(held.loss - plain.loss).toBeCloseTo(0.5 * (1 + 4 - 2), 5);
    expect(held.scores[5]).toBeCloseTo(0.5, 6);
    expect(held.scores[0]! - plain.scores[0]!).toBeCloseTo(-0.5, 6);
    const below = { ...margins(1), pairs: [{ made: 4, own: 0 }] };
    expect(lossOf({ margins: below }).loss).toBeCloseTo(plain.loss, 6);
  });
});

describe('the pairs of a batch', () => {
  const draw = (record: number, made?: number) => ({ record, geometry: record, ...(made !== undefined && { made }) });
  const plan: StepPlan = {
    sar: [draw(0), draw(1), draw(0, 7)],
    optical: [draw(0), draw(1)],
    pairing: { sar: [0, 1, 1, 0, 2], optical: [0, 1, 0, 1, 0] },
    labels: [1, 1, 0, 0, 0],
  };
  const memory = { epoch: 0, records: [1, 5, 6], maps: new Float32Array(3).map((_, i) => i), shape: [1, 1, 1] };
  const of = (settings: object, more: object = {}, own = plan) => {
    const config = { seed: 1, negatives: settings, ...more } as unknown as TrainingConfig;
    const guard = guardWhere((i, j) => i === j);
    return pairsOf(own, { config, step: 3, negatives: { changed: new Map([[7, 0.175]]) }, memory, guard });
  };

  it('are as planned, each class with half of the weight', () => {
    const { pairing, labels, weights, ...rest } = of({});
    expect([pairing, labels]).toEqual([plan.pairing, plan.labels]);
    expect(weights).toEqual([0.25, 0.25, 1 / 6, 1 / 6, 1 / 6]);
    expect(rest).toEqual({});
  });

  it('set made ones apart, under a margin or in no loss', () => {
    const margin = marginSchema.parse({});
    expect(of({ margin })).toMatchObject({
      weights: [0.25, 0.25, 0.25, 0.25, 0],
      margins: { pairs: [{ made: 4, own: 0 }], sizes: [expect.closeTo(1, 9)], weight: 0.5 },
    });
    const control = of({ counted: false });
    expect(control.weights).toEqual([0.25, 0.25, 0.25, 0.25, 0]);
    expect(control.margins).toBeUndefined();
  });

  it('are refused where made ones, set apart, are all negatives', () => {
    const labels: (0 | 1)[] = [1, 1, 0];
    const alone = { ...plan, pairing: { sar: [0, 1, 2], optical: [0, 1, 0] }, labels };
    for (const apart of [{ margin: marginSchema.parse({}) }, { counted: false }]) {
      expect(() => of(apart, {}, alone)).toThrow(/other negatives.*found 1 made ones alone.*negatives.generated/);
      const { weights, memory: maps } = of({ ...apart, memory: { size: 3, draw: 3 } }, {}, alone);
      expect(weights).toEqual([0.25, 0.25, 0, ...new Array<number>(5).fill(expect.closeTo(0.1, 9))]);
      maps!.dispose();
    }
    expect(of({}, {}, alone).weights).toEqual([0.25, 0.25, 0.5]);
  });

  it('meet a memory of other ground', () => {
    const { pairing, labels, memory: maps } = of({ memory: { size: 3, draw: 3 } });
    const order = [...maps!.dataSync()].map((row) => memory.records[row]!);
    const met = pairing.sar.slice(5).map((sar, i) => [order[sar - 3], pairing.optical[5 + i]]);
    expect(met.sort()).toEqual([
      [1, 0],
      [5, 0],
      [5, 1],
      [6, 0],
      [6, 1],
    ]);
    expect(labels.slice(5)).toEqual([0, 0, 0, 0, 0]);
    maps!.dispose();
  });

  it('leave out a share of the negatives, rounded by chance', () => {
    const loss = { ring: 0.5 };
    expect([1, 2]).toContain(of({}, { loss }).leftOut);
  });
});
