/** The matching networks: against PyTorch's reference, in shape, in what training does to them, and folded for scoring. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../../packages/core/src/base/safetensors.ts';
import { MODEL_TOLERANCE, relativeError } from '../../../packages/core/src/base/tolerance.ts';
import { UsageError } from '../../../packages/core/src/errors.ts';
import { ARCHITECTURES } from '../../../packages/core/src/matcher/architectures.ts';
import { classWeights, crossEntropy, sumOfSquares, weightPenalty } from '../../../packages/core/src/matcher/loss.ts';
import {
  createMatcher,
  type Matcher,
  matcherFrom,
  parseMatcherConfig,
} from '../../../packages/core/src/matcher/matcher.ts';
import { networkOf, parameterSpecs } from '../../../packages/core/src/matcher/network_layers.ts';
import { type Pairing, takeRows } from '../../../packages/core/src/matcher/pairing.ts';
import { initialValues } from '../../../packages/core/src/matcher/parameters.ts';
import { createScorer, difference } from '../../../packages/core/src/matcher/scorer.ts';
import { normalNoise } from '../../../packages/core/src/ops/ops.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { sharedFolder } from '../../shared.ts';

beforeAll(selectProcessorBackend);

const made: Matcher[] = [];
afterEach(() => {
  for (const matcher of made.splice(0)) matcher.dispose();
});

function freshMatcher(preset: string, seed = 1): Matcher {
  const matcher = createMatcher({ preset, side: 64, sarBands: 1, opticalBands: 1, seed });
  made.push(matcher);
  return matcher;
}

/** Fresh weights by tensor: to draw them takes longer than most tests. */
const drawn = new Map<string, tf.TypedArray>();

function matcherOf(preset: string, { side = 64, opticalBands = 1 as 1 | 3 } = {}): Matcher {
  const { initialisation } = ARCHITECTURES.get(preset);
  const config = parseMatcherConfig({ preset, side, sarBands: 1, opticalBands });
  const matcher = matcherFrom(config, (spec) => {
    const key = JSON.stringify([initialisation, spec]);
    if (!drawn.has(key))
      drawn.set(
        key,
        tf.tidy(() => initialValues(spec, initialisation, 1).dataSync()),
      );
    return tf.tensor(drawn.get(key)!, spec.shape);
  });
  made.push(matcher);
  return matcher;
}

const noise = (n: number, side: number, bands: number, seed: number) =>
  normalNoise([n, side, side, bands], { seed, offset: 0 }) as tf.Tensor4D;

/** Moves statistics, γ and β away from where they start, so that folding has something to fold. */
function unsettle({ parameters, statistics }: Matcher): void {
  let seed = 100;
  for (const [name, variable] of [...parameters, ...statistics]) {
    if (!/\.bn\d\./.test(name)) continue;
    variable.assign(
      tf.tidy(() => {
        const draw = normalNoise(variable.shape, { seed: seed++, offset: 0 });
        return /(variance|gamma)$/.test(name) ? tf.add(tf.mul(tf.abs(draw), 0.5), 0.5) : tf.mul(draw, 0.3);
      }),
    );
  }
}

describe('createMatcher', () => {
  it('names and shapes the tensors of `paper` as the reference does', () => {
    const specs = parameterSpecs({ preset: 'paper', side: 112, sarBands: 1, opticalBands: 1 });
    const shapes = Object.fromEntries(specs.map(({ name, shape }) => [name, shape]));
    expect(specs).toHaveLength(40);
    expect(shapes['sar.conv1.filter']).toEqual([3, 3, 1, 32]);
    expect(shapes['optical.conv8.bias']).toEqual([128]);
    expect(shapes['fusion.conv1.filter']).toEqual([3, 3, 256, 256]);
    expect(shapes['head.dense1.kernel']).toEqual([512, 512]);
    expect(shapes['head.dense2.kernel']).toEqual([512, 2]);
  });

  it('initialises by the preset: Glorot uniform and zero bias, or He normal', () => {
    const [paper, paperBn] = [freshMatcher('paper'), freshMatcher('paper-bn')];
    const deviation = ({ parameters }: Matcher, name: string) =>
      Math.sqrt(tf.moments(parameters.get(name)!).variance.dataSync()[0]!);
    expect(deviation(paper, 'sar.conv8.filter')).toBeCloseTo(Math.sqrt(2 / (9 * 256)), 3);
    expect(deviation(paperBn, 'sar.conv8.filter')).toBeCloseTo(Math.sqrt(2 / (9 * 128)), 3);
    expect(deviation(paper, 'head.dense2.kernel')).toBeCloseTo(Math.sqrt(2 / 514), 2);
    expect(deviation(paperBn, 'head.dense2.kernel')).toBeCloseTo(0.01, 3);
    const { parameters } = paper;
    expect(tf.sum(tf.abs(parameters.get('fusion.conv1.bias')!)).dataSync()[0]).toBe(0);
    const limit = Math.sqrt(6 / (9 * 256));
    expect(tf.max(tf.abs(parameters.get('sar.conv8.filter')!)).dataSync()[0]).toBeLessThanOrEqual(limit + 1e-6);
  });

  it('gives the same weights for the same seed, others for another', () => {
    const first = (seed: number) => [
      ...freshMatcher('paper-bn', seed).parameters.get('optical.conv2.filter')!.dataSync().slice(0, 8),
    ];
    expect(first(3)).toEqual(first(3));
    expect(first(3)).not.toEqual(first(4));
  });

  it.each([60, 56, 100])('refuses patches of side %i, by an error that says what is wrong', (side) => {
    const create = () => createMatcher({ preset: 'paper', side, sarBands: 1, opticalBands: 1, seed: 1 });
    expect(create).toThrow(UsageError);
    expect(create).toThrow(/Cannot create a matcher: expected a usable value for "side", found/);
  });

  it('names the architectures where it is asked for another', () => {
    const create = () => createMatcher({ preset: 'sum', side: 64, sarBands: 1, opticalBands: 1, seed: 1 });
    expect(create).toThrow(UsageError);
    expect(create).toThrow(/"preset".*paper, paper-bn, two-channel/);
  });

  it('frees all it made', () => {
    const before = tf.memory().numTensors;
    const matcher = createMatcher({ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 3, seed: 1 });
    const scorer = createScorer(matcher);
    scorer.dispose();
    matcher.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(ARCHITECTURES.names())('%s', (preset) => {
  it.each([
    [64, 1],
    [72, 3],
    [112, 1],
  ] as const)('maps patches of side %i with %i optical bands to two logits', (side, opticalBands) => {
    const matcher = matcherOf(preset, { side, opticalBands });
    tf.tidy(() => {
      const logits = matcher.logits(noise(2, side, 1, 1), noise(2, side, opticalBands, 2), { training: false });
      expect(logits.shape).toEqual([2, 2]);
      expect([...logits.dataSync()].every(Number.isFinite)).toBe(true);
    });
  });

  it('has a gradient by every parameter', () => {
    const matcher = matcherOf(preset);
    tf.tidy(() => {
      const [sar, optical, labels] = [noise(4, 64, 1, 1), noise(4, 64, 1, 2), tf.tensor1d([1, 0, 0, 1], 'int32')];
      const { grads } = tf.variableGrads(
        () => crossEntropy(matcher.logits(sar, optical, { training: true, seed: 1, step: 0 }), labels),
        [...matcher.parameters.values()],
      );
      for (const [name, { name: tfName }] of ofLogits(matcher)) {
        expect(tf.norm(grads[tfName]!).dataSync()[0], name).toBeGreaterThan(0);
      }
    });
  });

  it('scores the same folded as unfolded', () => {
    const matcher = matcherOf(preset);
    unsettle(matcher);
    const scorer = createScorer(matcher);
    tf.tidy(() => {
      const [sar, optical] = [noise(3, 64, 1, 1), noise(3, 64, 1, 2)];
      const expected = difference(matcher.logits(sar, optical, { training: false })).dataSync();
      expect(relativeError(scorer.score(sar, optical).dataSync(), expected)).toBeLessThan(1e-5);
    });
    scorer.dispose();
  });

  it('gives a scorer weights of its own', () => {
    const matcher = matcherOf(preset);
    const scorer = createScorer(matcher);
    tf.tidy(() => {
      const [sar, optical] = [noise(2, 64, 1, 1), noise(2, 64, 1, 2)];
      const before = [...scorer.score(sar, optical).dataSync()];
      for (const variable of matcher.parameters.values()) variable.assign(tf.zerosLike(variable));
      expect([...scorer.score(sar, optical).dataSync()]).toEqual(before);
    });
    scorer.dispose();
  });

  it('gives pairs of a pairing the logits and gradients that they have when written out', () => {
    const matcher = matcherOf(preset);
    const pairing: Pairing = { sar: [0, 1, 1, 2, 0], optical: [0, 1, 0, 1, 1] };
    tf.tidy(() => {
      const [sar, optical] = [noise(3, 64, 1, 1), noise(2, 64, 1, 2)];
      const labels = tf.tensor1d([1, 1, 0, 0, 0], 'int32');
      const written = (x: tf.Tensor4D, rows: readonly number[]) => tf.gather(x, tf.tensor1d([...rows], 'int32'));
      const gradients = (logits: () => tf.Tensor2D) =>
        tf.variableGrads(() => crossEntropy(logits(), labels), [...matcher.parameters.values()]);
      const shared = gradients(() => matcher.logits(sar, optical, { training: false }, pairing));
      const whole = gradients(() =>
        matcher.logits(written(sar, pairing.sar), written(optical, pairing.optical), { training: false }),
      );
      expect(shared.value.dataSync()[0]).toBeCloseTo(whole.value.dataSync()[0]!, 5);
      for (const [name, { name: tfName }] of ofLogits(matcher)) {
        const error = relativeError(shared.grads[tfName]!.dataSync(), whole.grads[tfName]!.dataSync());
        expect(error, name).toBeLessThan(MODEL_TOLERANCE);
      }
    });
  });
});

/** Parameters that the logits depend on; the descriptors of dense have some of their own. */
function ofLogits({ config, parameters }: Matcher): [string, tf.Variable][] {
  const names = new Set(networkOf(config).flatMap((layer) => layer.parameters.map(({ name }) => name)));
  return [...parameters].filter(([name]) => names.has(name));
}

describe('training mode', () => {
  it('moves the moving statistics by a tenth of the way to those of the batch', () => {
    const matcher = matcherOf('paper-bn');
    tf.tidy(() => {
      const [sar, optical] = [noise(4, 64, 1, 1), noise(4, 64, 1, 2)];
      matcher.logits(sar, optical, { training: true, seed: 1, step: 0 });
      const linear = tf.conv2d(sar, matcher.parameters.get('sar.conv1.filter') as unknown as tf.Tensor4D, 1, 'same');
      const { mean, variance } = tf.moments(linear, [0, 1, 2]);
      const expected = { mean: tf.mul(mean, 0.1), variance: tf.add(tf.mul(variance, 0.1), 0.9) };
      for (const [name, values] of Object.entries(expected)) {
        const moved = matcher.statistics.get(`sar.bn1.${name}`)!.dataSync();
        expect(relativeError(moved, values.dataSync()), name).toBeLessThan(MODEL_TOLERANCE);
      }
    });
  });

  it('drops other units at another step, the same at the same', () => {
    const matcher = matcherOf('paper');
    tf.tidy(() => {
      const [sar, optical] = [noise(2, 64, 1, 1), noise(2, 64, 1, 2)];
      const at = (step: number) => [...matcher.logits(sar, optical, { training: true, seed: 9, step }).dataSync()];
      expect(at(5)).toEqual(at(5));
      expect(at(5)).not.toEqual(at(6));
    });
  });

  it('does not leak', () => {
    const matcher = matcherOf('paper-bn');
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      matcher.logits(noise(2, 64, 1, 1), noise(2, 64, 1, 2), { training: true, seed: 1, step: 0 });
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.each(['paper', 'paper-bn'] as const)('halves of %s', (preset) => {
  it('join to the score, row with row and one row with all', () => {
    const matcher = matcherOf(preset, { opticalBands: 3 });
    unsettle(matcher);
    const scorer = createScorer(matcher);
    const halves = scorer.halves!;
    tf.tidy(() => {
      const [sar, optical] = [noise(3, 64, 1, 1), noise(3, 64, 3, 2)];
      const [s, o] = [halves.sar(sar), halves.optical(optical)];
      expect(s.shape).toEqual([3, 4, 4, 256]);
      const expected = scorer.score(sar, optical).dataSync();
      expect(relativeError(halves.join(s, o).dataSync(), expected)).toBeLessThan(1e-5);
      const first = tf.slice(o, [0, 0, 0, 0], [1, -1, -1, -1]);
      const broadcast = halves.join(s, first).dataSync();
      const written = scorer.score(sar, tf.tile(tf.slice(optical, [0, 0, 0, 0], [1, -1, -1, -1]), [3, 1, 1, 1]));
      expect(relativeError(broadcast, written.dataSync())).toBeLessThan(1e-5);
    });
    scorer.dispose();
  });

  it('have features: one non-negative row a patch', () => {
    const scorer = createScorer(matcherOf(preset, { opticalBands: 3 }));
    tf.tidy(() => {
      const features = scorer.halves!.features(noise(2, 64, 3, 1), 'optical');
      expect(features.shape).toEqual([2, 128]);
      expect(Math.min(...features.dataSync())).toBeGreaterThanOrEqual(0);
    });
    scorer.dispose();
  });
});

it('two-channel has no halves', () => {
  const scorer = createScorer(matcherOf('two-channel'));
  expect(scorer.halves).toBeUndefined();
  scorer.dispose();
});

describe('crossEntropy', () => {
  it('counts each class half, however many pairs it has', () => {
    expect(classWeights([1, 0, 0, 0])).toEqual([1 / 2, 1 / 6, 1 / 6, 1 / 6]);
    expect(classWeights([1, 1])).toEqual([1 / 2, 1 / 2]);
    tf.tidy(() => {
      const logits = tf.tensor2d([0, 2, 0, 0, 0, 0, 0, 0], [4, 2]);
      const labels = [1, 0, 0, 0] as const;
      const loss = crossEntropy(logits, tf.tensor1d([...labels], 'int32'), tf.tensor1d(classWeights(labels)));
      expect(loss.dataSync()[0]).toBeCloseTo(0.5 * Math.log1p(Math.exp(-2)) + 0.5 * Math.LN2, 6);
    });
  });
});

describe('takeRows', () => {
  it('has the gradient of a gather: rows that are taken twice add up', () => {
    tf.tidy(() => {
      const x = noise(3, 4, 2, 1);
      const rows = [2, 0, 2, 2];
      const dy = noise(4, 4, 2, 2);
      const { value, grad } = tf.valueAndGrad((given) => takeRows(given as tf.Tensor4D, rows))(x, dy);
      expect(relativeError(value.dataSync(), tf.gather(x, rows).dataSync())).toBe(0);
      const of = (k: number) => tf.slice(dy, [k, 0, 0, 0], [1, -1, -1, -1]);
      const expected = tf.concat([of(1), tf.zerosLike(of(0)), tf.addN([of(0), of(2), of(3)])], 0);
      expect(relativeError(grad.dataSync(), expected.dataSync())).toBeLessThan(1e-6);
    });
  });

  it('takes the only row of a batch of one several times', () => {
    tf.tidy(() => {
      const dy = noise(3, 4, 2, 2);
      const grad = tf.grad((given) => takeRows(given as tf.Tensor4D, [0, 0, 0]))(noise(1, 4, 2, 1), dy);
      expect(grad.shape).toEqual([1, 4, 4, 2]);
      expect(relativeError(grad.dataSync(), tf.sum(dy, 0).dataSync())).toBeLessThan(1e-6);
    });
  });
});

const shared = sharedFolder();
describe.skipIf(!shared)(`the reference of PyTorch${shared ? '' : ' (skipped: no shared folder)'}`, () => {
  // On cpu the same takes minutes; `doppel verify --backend cpu` runs it.
  it('agrees in logits, loss and gradients', async () => {
    const file = `${shared}/golden/matcher-64.safetensors`;
    const { tensors } = readSafetensors(readFileSync(file), file);
    const get = (name: string) => tf.tensor(tensors.get(name)!.data as Float32Array, tensors.get(name)!.shape);
    const expected = (name: string) => tensors.get(`expect.${name}`)!.data as Float32Array;
    const matcher = matcherFrom({ preset: 'paper', side: 64, sarBands: 1, opticalBands: 1 }, ({ name }) => get(name));
    tf.tidy(() => {
      const [sar, optical] = [get('sar') as tf.Tensor4D, get('optical') as tf.Tensor4D];
      const labels = tf.cast(get('label'), 'int32') as tf.Tensor1D;
      const { value, grads } = tf.variableGrads(() => {
        const logits = matcher.logits(sar, optical, { training: false });
        expect(relativeError(logits.dataSync(), expected('logits'))).toBeLessThan(MODEL_TOLERANCE);
        return tf.add(crossEntropy(logits, labels), weightPenalty(matcher, 1e-3)) as tf.Scalar;
      });
      expect(relativeError(value.dataSync(), expected('loss'))).toBeLessThan(MODEL_TOLERANCE);
      const gradient = (name: string) => grads[matcher.parameters.get(name)!.name]!;
      const norms = [...matcher.parameters.keys()]
        .sort()
        .map((name) => Math.sqrt(sumOfSquares(gradient(name)).dataSync()[0]!));
      expect(relativeError(norms, expected('gradientNorms'))).toBeLessThan(MODEL_TOLERANCE);
      for (const [name, key] of [
        ['sar.conv1.filter', 'dSarConv1Filter'],
        ['head.dense2.kernel', 'dHeadDense2Kernel'],
      ] as const) {
        expect(relativeError(gradient(name).dataSync(), expected(key))).toBeLessThan(MODEL_TOLERANCE);
      }
    });
    matcher.dispose();
  });
});
