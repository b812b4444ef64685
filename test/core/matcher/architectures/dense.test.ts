/** Cells of a place do not depend on the window that they are computed in, and a pair is judged by its peak. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../../packages/core/src/matcher/architectures.ts';
import { createMatcher, type Matcher } from '../../../../packages/core/src/matcher/matcher.ts';
import { createScorer } from '../../../../packages/core/src/matcher/scorer.ts';
import { evaluationLayers } from '../../../../packages/core/src/matcher/tensor_layers.ts';
import { normalNoise } from '../../../../packages/core/src/ops/ops.ts';
import { selectProcessorBackend } from '../../../backends.ts';

beforeAll(selectProcessorBackend);

const config = { preset: 'dense', side: 64, sarBands: 1, opticalBands: 3, width: 16 } as const;

/** Pixels that a cell sees to each side, at most. */
const REACH = 44;

function cellsOf(matcher: Matcher, sensor: 'sar' | 'optical', patches: tf.Tensor): tf.Tensor4D {
  const { towers } = ARCHITECTURES.get('dense');
  const layers = evaluationLayers(matcher.parameters, matcher.statistics);
  return towers!.tower<tf.Tensor>(layers, sensor, patches, matcher.config) as tf.Tensor4D;
}

const difference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

describe('dense', () => {
  const matcher = () => createMatcher({ ...config, seed: 3 });

  it.each(['sar', 'optical'] as const)('gives a place of %s the same cells in every window', (sensor) => {
    const bands = sensor === 'sar' ? 1 : 3;
    const network = matcher();
    const scene = normalNoise([1, 160, 168, bands], { seed: 1, offset: 0 }) as tf.Tensor4D;
    const whole = cellsOf(network, sensor, scene); // [1, 80, 84, 16]
    const [top, left] = [24, 16];
    const window = cellsOf(network, sensor, tf.slice(scene, [0, top, left, 0], [1, 120, 128, bands]));
    const inner = REACH / 2;
    const size = [1, 60 - 2 * inner, 64 - 2 * inner, 16];
    const ofWhole = tf.slice(whole, [0, top / 2 + inner, left / 2 + inner, 0], size);
    const ofWindow = tf.slice(window, [0, inner, inner, 0], size);
    expect(difference(ofWhole, ofWindow)).toBeLessThan(1e-5);
    network.dispose();
  });

  it.each([32, 40, 64, 112])('takes patches of side %i, whose cells have unit length', (side) => {
    const network = matcher();
    const cells = cellsOf(network, 'sar', normalNoise([2, side, side, 1], { seed: 2, offset: 0 }));
    expect(cells.shape).toEqual([2, side / 2, side / 2, 16]);
    expect(difference(tf.sum(tf.square(cells), 3), tf.ones([2, side / 2, side / 2]))).toBeLessThan(1e-3);
    network.dispose();
  });

  it('scores a pair by its towers as in one pass, and by a pairing', async () => {
    const network = matcher();
    const scorer = createScorer(network);
    const sar = normalNoise([3, 64, 64, 1], { seed: 4, offset: 0 }) as tf.Tensor4D;
    const optical = normalNoise([3, 64, 64, 3], { seed: 5, offset: 0 }) as tf.Tensor4D;
    const { halves } = scorer;
    const joined = halves!.join(halves!.sar(sar), halves!.optical(optical));
    expect(difference(joined, scorer.score(sar, optical))).toBeLessThan(1e-4);
    const paired = network.logits(sar, optical, { training: false }, { sar: [2, 0], optical: [1, 0] });
    const alone = network.logits(tf.gather(sar, [2, 0]), tf.gather(optical, [1, 0]), { training: false });
    expect(difference(paired, alone)).toBeLessThan(1e-5);
    expect(halves!.features(sar, 'sar').shape).toEqual([3, 128]);
    scorer.dispose();
    network.dispose();
  });

  it('has at most 0.6 million parameters at its default width', () => {
    const network = createMatcher({ preset: 'dense', side: 64, sarBands: 1, opticalBands: 3, seed: 1 });
    const count = [...network.parameters.values()].reduce((sum, { size }) => sum + size, 0);
    expect(count).toBeLessThanOrEqual(600_000);
    network.dispose();
  });
});
