/** Correlations of any shape against plain sums in doubles, on each backend. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, type BackendName, selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { philoxNormal } from '../../../packages/core/src/base/philox.ts';
import { KERNEL_TOLERANCE, relativeErrorOfSums } from '../../../packages/core/src/base/tolerance.ts';
import { correlate, correlateNear } from '../../../packages/core/src/ops/ops.ts';
import { backendLoaders, backendReports, EMULATED_CUDA } from '../../backends.ts';

type Shape = [number, number, number, number];

const volume = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);
const drawn = (shape: readonly number[], seed: number) => philoxNormal(volume(shape), { seed, offset: 0 });
const at = ([, h, w, c]: Shape, n: number, y: number, x: number) => ((n * h + y) * w + x) * c;

/** Of two inputs: the value and the gradients for a cotangent, in this order; and each with its terms' magnitudes. */
interface Sums {
  sums: Float64Array[];
  magnitudes: Float64Array[];
}

interface Terms {
  a: { shape: Shape; values: Float32Array };
  b: { shape: Shape; values: Float32Array };
  dy: Float32Array;
}

/** Sums of products of cells of a and b: `visit` says which cells meet in which output. */
function plainSums(
  { a, b, dy }: Terms,
  scale: number,
  visit: (meet: (output: number, fromA: number, fromB: number) => void) => void,
): Sums {
  const arrays = () => [dy, a.values, b.values].map(({ length }) => new Float64Array(length));
  const [sums, magnitudes] = [arrays(), arrays()];
  const add = (array: number, index: number, term: number) => {
    sums[array]![index]! += term;
    magnitudes[array]![index]! += Math.abs(term);
  };
  visit((output, fromA, fromB) => {
    for (let c = 0; c < a.shape[3]; c++) {
      const [x, y] = [a.values[fromA + c]!, b.values[fromB + c]!];
      add(0, output, x * y * scale);
      add(1, fromA + c, dy[output]! * y * scale);
      add(2, fromB + c, dy[output]! * x * scale);
    }
  });
  return { sums, magnitudes };
}

function plainCorrelate(terms: Terms): Sums {
  const [templates, h, v] = terms.a.shape;
  const [windows, height, width] = terms.b.shape;
  const [rows, columns] = [height - h + 1, width - v + 1];
  return plainSums(terms, 1 / (h * v), (meet) => {
    for (let output = 0; output < templates * windows * rows * columns; output++) {
      const [j, i] = [output % columns, Math.floor(output / columns) % rows];
      const pair = Math.floor(output / columns / rows);
      for (let y = 0; y < h; y++)
        for (let x = 0; x < v; x++) {
          const template = at(terms.a.shape, Math.floor(pair / windows), y, x);
          meet(output, template, at(terms.b.shape, pair % windows, i + y, j + x));
        }
    }
  });
}

function plainNear(terms: Terms, reach: number): Sums {
  const [, h, w] = terms.a.shape;
  const side = 2 * reach + 1;
  return plainSums(terms, 1 / (h * w), (meet) => {
    for (let output = 0; output < terms.dy.length; output++) {
      const n = Math.floor(output / side / side);
      const [by, bx] = [(Math.floor(output / side) % side) - reach, (output % side) - reach];
      for (let y = Math.max(0, -by); y < Math.min(h, h - by); y++)
        for (let x = Math.max(0, -bx); x < Math.min(w, w - bx); x++) {
          const ofA = at(terms.a.shape, n % terms.a.shape[0], y, x);
          meet(output, ofA, at(terms.b.shape, n % terms.b.shape[0], y + by, x + bx));
        }
    }
  });
}

const termsOf = (a: Shape, b: Shape, y: number[]): Terms => ({
  a: { shape: a, values: drawn(a, 1) },
  b: { shape: b, values: drawn(b, 2) },
  dy: drawn(y, 3),
});

/** The worst relative error of value and gradients. */
function errorOf(op: (a: tf.Tensor4D, b: tf.Tensor4D) => tf.Tensor, { a, b, dy }: Terms, plain: Sums): number {
  return tf.tidy(() => {
    const inputs = [tf.tensor(a.values, a.shape), tf.tensor(b.values, b.shape)] as [tf.Tensor4D, tf.Tensor4D];
    const shape = op(...inputs).shape;
    const { value, grads } = tf.valueAndGrads(op as (...x: tf.Tensor[]) => tf.Tensor)(inputs, tf.tensor(dy, shape));
    const errorOfOne = (got: tf.Tensor, i: number) =>
      relativeErrorOfSums(got.dataSync(), plain.sums[i]!, plain.magnitudes[i]!);
    return Math.max(...[value, ...grads].map(errorOfOne));
  });
}

const side = (max: number) => fc.integer({ min: 1, max });
const correlations = fc.record({
  ...{ templates: side(4), windows: side(4), h: side(6), v: side(6) },
  ...{ more: fc.nat({ max: 6 }), wider: fc.nat({ max: 6 }), channels: side(20) },
});
const nearby = fc.record({
  ...{ n: side(4), single: fc.constantFrom('a', 'b', 'none'), h: side(6), w: side(6) },
  ...{ channels: side(20), reach: fc.nat({ max: 4 }) },
});

const report = await backendReports();

for (const backend of [...BACKENDS, EMULATED_CUDA] as BackendName[]) {
  const { available, reason } = report[backend]!;
  describe.skipIf(!available)(`backend ${backend}${available ? '' : ` (skipped: ${reason})`}`, () => {
    beforeAll(async () => {
      await selectBackend({ requested: backend, loaders: await backendLoaders() });
    });
    const numRuns = backend === EMULATED_CUDA ? 5 : 20;

    it('templates of any number and size in windows of any', () => {
      fc.assert(
        fc.property(correlations, ({ templates, windows, h, v, more, wider, channels }) => {
          const [a, b]: [Shape, Shape] = [
            [templates, h, v, channels],
            [windows, h + more, v + wider, channels],
          ];
          const terms = termsOf(a, b, [templates, windows, more + 1, wider + 1]);
          expect(errorOf(correlate, terms, plainCorrelate(terms))).toBeLessThan(KERNEL_TOLERANCE);
        }),
        { numRuns },
      );
    });

    it('maps against maps, and one against all, at displacements past their sides', () => {
      fc.assert(
        fc.property(nearby, ({ n, single, h, w, channels, reach }) => {
          const mapsOf = (count: number): Shape => [count, h, w, channels];
          const terms = termsOf(mapsOf(single === 'a' ? 1 : n), mapsOf(single === 'b' ? 1 : n), [
            n,
            (2 * reach + 1) ** 2,
          ]);
          const near = (a: tf.Tensor4D, b: tf.Tensor4D) => correlateNear(a, b, reach);
          expect(errorOf(near, terms, plainNear(terms, reach))).toBeLessThan(KERNEL_TOLERANCE);
        }),
        { numRuns },
      );
    });
  });
}

describe('shapes that do not go together', () => {
  const map = (...shape: Shape) => tf.zeros<tf.Rank.R4>(shape);
  beforeAll(async () => {
    await selectBackend({ requested: 'cpu' });
  });

  it('are refused with both shapes', () => {
    expect(() => correlate(map(1, 4, 4, 2), map(1, 8, 8, 3))).toThrow('templates of 4×4×2 and windows of 8×8×3');
    expect(() => correlate(map(1, 9, 4, 2), map(1, 8, 8, 2))).toThrow('templates within the windows');
    expect(() => correlateNear(map(2, 4, 4, 2), map(3, 4, 4, 2), 1)).toThrow('in pairs or one against all');
    expect(() => correlateNear(map(2, 4, 4, 2), map(2, 4, 5, 2), 1)).toThrow('maps of one size');
  });
});
