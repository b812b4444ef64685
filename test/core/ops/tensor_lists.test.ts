/** Ops over lists of tensors, on every backend, against plain arithmetic in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { BACKENDS, type BackendName, selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { relativeError } from '../../../packages/core/src/base/tolerance.ts';
import { adam, blend, sumOfSquares } from '../../../packages/core/src/ops/ops.ts';
import { backendLoaders, backendReports, EMULATED_CUDA } from '../../backends.ts';

const report = await backendReports();
const SHAPES = [[1], [7], [3, 5, 33], [4097], [70, 2000]];

const listOf = (seed: number) => SHAPES.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', seed + i));
const numbersOf = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => [...tensor.dataSync()]);

const NAMES: readonly BackendName[] = [...BACKENDS, EMULATED_CUDA];

for (const backend of NAMES) {
  const { available, reason } = report[backend]!;
  describe.skipIf(!available)(`backend ${backend}${available ? '' : ` (skipped: ${reason})`}`, () => {
    const inTidy = async (f: () => void) => {
      await selectBackend({ requested: backend, loaders: await backendLoaders() });
      const before = tf.memory().numTensors;
      tf.tidy(f);
      expect(tf.memory().numTensors).toBe(before);
    };

    it('blend gives α·a + β·b of each pair', () =>
      inTidy(() => {
        const [a, b] = [listOf(1), listOf(21)];
        const blended = blend(a, b, { alpha: 0.9, beta: -0.3 });
        expect(blended.map(({ shape }) => shape)).toEqual(SHAPES);
        const [as, bs, found] = [a, b, blended].map(numbersOf) as [number[][], number[][], number[][]];
        const worst = found.flatMap((own, i) => own.map((y, j) => Math.abs(y - 0.9 * as[i]![j]! + 0.3 * bs[i]![j]!)));
        expect(worst.reduce((most, each) => Math.max(most, each), 0)).toBeLessThan(1e-6);
      }));

    it('blend of no tensors is none, of lists of two lengths an error', () =>
      inTidy(() => {
        expect(blend([], [], { alpha: 1, beta: 1 })).toEqual([]);
        expect(() => blend(listOf(1), [], { alpha: 1, beta: 1 })).toThrow('expected 5 tensors b, found 0');
      }));

    it('Adam with a factor of its rate moves by so much more', () =>
      inTidy(() => {
        const [parameters, gradients, first, second] = [listOf(1), listOf(21), listOf(41), listOf(61)];
        const given = { parameters, gradients, first, second: second.map((each) => tf.square(each)), step: 3 };
        const rates = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
        const moved = (options: { learningRate: number; rate?: tf.Scalar }) =>
          numbersOf(adam({ ...given, ...rates, ...options }).parameters).flat();
        const [expected, found] = [moved({ learningRate: 0.06 }), moved({ learningRate: 2, rate: tf.scalar(0.03) })];
        expect(relativeError(found, expected)).toBeLessThan(1e-6);
        const [before] = numbersOf(parameters);
        expect(found[0]).not.toBeCloseTo(before![0]!, 3);
      }));

    it('the sum of squares is that of all elements', () =>
      inTidy(() => {
        const tensors = listOf(5);
        const expected = numbersOf(tensors)
          .flat()
          .reduce((sum, x) => sum + x * x, 0);
        expect(Math.abs(sumOfSquares(tensors).dataSync()[0]! / expected - 1)).toBeLessThan(1e-6);
      }));
  });
}
