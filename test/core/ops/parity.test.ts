/** One suite, every backend: values and gradients of doppel's ops against the backend `cpu`. */

import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, type BackendName, selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { type CaseValues, convCase, type OpCase, PARITY_CASES, runCase } from '../../../packages/core/src/ops/cases.ts';
import { backendLoaders, backendReports, EMULATED_CUDA } from '../../backends.ts';
import { caseError, magnitudesOf } from './case_error.ts';

const report = await backendReports();

async function valuesOn(backend: BackendName, each: OpCase, seed?: number): Promise<CaseValues> {
  await selectBackend({ requested: backend, loaders: await backendLoaders() });
  return runCase(each, seed);
}

const COMPARED: readonly BackendName[] = [...BACKENDS.filter((name) => name !== 'cpu'), EMULATED_CUDA];

for (const backend of COMPARED) {
  const { available, reason } = report[backend]!;
  describe.skipIf(!available)(`backend ${backend}${available ? '' : ` (skipped: ${reason})`}`, () => {
    for (const each of PARITY_CASES) {
      it(each.name, async () => {
        const error = caseError(await valuesOn(backend, each), await valuesOn('cpu', each));
        expect(error).toBeLessThan(each.tolerance);
      });
    }

    it('any convolution', async () => {
      const shape = fc.record({
        n: fc.integer({ min: 1, max: 3 }),
        h: fc.integer({ min: 5, max: 14 }),
        w: fc.integer({ min: 5, max: 14 }),
        ci: fc.integer({ min: 1, max: 20 }),
        co: fc.integer({ min: 1, max: 20 }),
        k: fc.constantFrom(1, 2, 3, 4, 5),
        steps: fc.constantFrom([1, 1], [2, 1], [3, 1], [1, 2], [1, 3]),
        pad: fc.constantFrom('same' as const, 'valid' as const),
        activation: fc.constantFrom('linear' as const, 'relu' as const, 'leakyrelu' as const),
      });
      await fc.assert(
        fc.asyncProperty(shape, fc.nat(), async ({ steps, ...drawn }, seed) => {
          const [strides, dilations] = steps as [number, number];
          fc.pre(drawn.pad === 'same' || Math.min(drawn.h, drawn.w) > (drawn.k - 1) * dilations);
          const each = convCase({ ...drawn, strides, dilations });
          const expected = await valuesOn('cpu', each, seed);
          const error = caseError(await valuesOn(backend, each, seed), expected, magnitudesOf(each, seed));
          // An element next to ReLU's kink may fall on either side of it in one of the two: count it as agreement
          // only where it is rare, by the tolerance of a whole model.
          expect(error).toBeLessThan(drawn.activation === 'linear' ? each.tolerance : 1e-4);
        }),
        { numRuns: 40 },
      );
    });

    it('leaves no tensor behind', async () => {
      await selectBackend({ requested: backend, loaders: await backendLoaders() });
      for (const each of PARITY_CASES) runCase(each);
      const before = tf.memory().numTensors;
      for (const each of PARITY_CASES) runCase(each);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}

describe('the references on cpu', () => {
  beforeAll(() => tf.env().set('IS_TEST', true));
  afterAll(() => tf.env().set('IS_TEST', false));

  /**
   * The slope of Σ value·dy along a random direction, by a central difference, against gradient · direction. A step
   * crosses a few kinks (ReLU, maximum) and rounds in fp32; both are far below the bound.
   */
  it.each(PARITY_CASES.map((each) => [each.name, each] as const))('gradient of %s is the slope', async (_, each) => {
    await selectBackend({ requested: 'cpu' });
    const step = 3e-4;
    const { slope, expected } = tf.tidy(() => {
      const inputs = each.shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', 11 + i));
      const direction = each.shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', 101 + i));
      const { value, grads } = tf.valueAndGrads(each.run)(inputs);
      expect(value.size).toBeGreaterThan(0);
      const along = (sign: number) =>
        tf.sub(each.run(...inputs.map((input, i) => tf.add(input, tf.mul(direction[i]!, sign * step)))), value);
      const difference = tf.sum(tf.sub(along(1), along(-1))).dataSync()[0]!;
      const products = grads.map((grad, i) => tf.sum(tf.mul(grad, direction[i]!)).dataSync()[0]!);
      return { slope: difference / (2 * step), expected: products.reduce((a, b) => a + b) };
    });
    expect(Math.abs(slope - expected)).toBeLessThan(0.03 * Math.max(1, Math.abs(expected)));
  });
});
