/** The parity suite on every instruction set that this machine runs, and random shapes of the plain kernels on each device. */

import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { relativeError, relativeErrorOfSums } from '../../packages/core/src/base/tolerance.ts';
import { convCase, PARITY_CASES, runCase } from '../../packages/core/src/ops/cases.ts';
import { conv2d } from '../../packages/core/src/ops/ops.ts';
import { caseError, magnitudesOf } from '../core/ops/case_error.ts';
import { DEVICES, isas, skipReason, title, useDevice, useNative } from './addon.ts';

const known = new Map<string, unknown>();

/** What the backend cpu makes of a case: computed once for all instruction sets. */
async function onCpu<T>(name: string, run: () => T): Promise<T> {
  if (!known.has(name)) {
    await selectBackend({ requested: 'cpu' });
    known.set(name, run());
  }
  return known.get(name) as T;
}

/** Of the random convolutions: all instruction sets compute the same ones. */
const DRAWS = { numRuns: 60, seed: Date.now() };

/** Shapes that reach each way to compute a convolution: whole vectors of channels and broken ones, tall and wide. */
const convolution = fc.record({
  n: fc.integer({ min: 1, max: 3 }),
  h: fc.integer({ min: 1, max: 19 }),
  w: fc.integer({ min: 1, max: 19 }),
  ci: fc.oneof(fc.constantFrom(1, 16, 32, 48, 64), fc.integer({ min: 1, max: 40 })),
  co: fc.oneof(fc.constantFrom(1, 16, 32, 48, 64), fc.integer({ min: 1, max: 40 })),
  k: fc.constantFrom(1, 3, 3, 3, 4),
  steps: fc.constantFrom([1, 1], [1, 1], [2, 1], [1, 2], [1, 4]),
  pad: fc.constantFrom('same' as const, 'same' as const, 'valid' as const),
  activation: fc.constantFrom('linear' as const, 'relu' as const, 'leakyrelu' as const),
});

/** n, h, w, ci, co, dilation with many tiles and whole vectors of channels: without a gradient these go by Winograd. */
const WINOGRAD = [
  [1, 28, 28, 32, 64, 1],
  [2, 21, 23, 64, 48, 1],
  [3, 14, 14, 128, 128, 1],
  [2, 21, 23, 64, 48, 2],
  [2, 19, 16, 32, 64, 4],
] as const;

describe.each(isas.length > 0 ? isas : ['none'])('instruction set %s', (isa) => {
  describe.skipIf(skipReason)(title('native'), () => {
    it.each(PARITY_CASES.map((each) => [each.name, each] as const))('%s', async (_, each) => {
      const expected = await onCpu(each.name, () => runCase(each));
      await useNative(isa);
      expect(caseError(runCase(each), expected)).toBeLessThan(each.tolerance);
    });

    it('bf16 rounds the inputs of convolutions where no gradient follows', async () => {
      const run = () =>
        tf.tidy(() => {
          const x = tf.randomNormal([2, 14, 15, 33], 0, 1, 'float32', 1) as tf.Tensor4D;
          const filter = tf.randomNormal([3, 3, 33, 40], 0, 0.1, 'float32', 2) as tf.Tensor4D;
          const plain = conv2d(x, filter, null).dataSync();
          const { value } = tf.valueAndGrad((f) => tf.sum(conv2d(x, f as tf.Tensor4D, null)))(filter);
          return { plain, traced: value.dataSync() };
        });
      await selectBackend({ requested: 'cpu' });
      const expected = run();
      const backend = await useNative(isa);
      backend.precision = 'bf16';
      const { plain, traced } = run();
      backend.precision = 'fp32';
      expect(relativeError(plain, expected.plain)).toBeGreaterThan(1e-4);
      expect(relativeError(plain, expected.plain)).toBeLessThan(1e-2);
      expect(relativeError(traced, expected.traced)).toBeLessThan(1e-4);
    });

    it.each(WINOGRAD)('scores a convolution of %i×%i×%i×%i → %i dilated %i within the tolerance', async (...shape) => {
      const [n, h, w, ci, co, dilations] = shape;
      const run = () =>
        tf.tidy(() => {
          const x = tf.randomNormal([n, h, w, ci], 0, 1, 'float32', 1) as tf.Tensor4D;
          const filter = tf.randomNormal([3, 3, ci, co], 0, 0.1, 'float32', 2) as tf.Tensor4D;
          return conv2d(x, filter, tf.range(0, co) as tf.Tensor1D, { dilations, activation: 'leakyrelu' }).dataSync();
        });
      const expected = await onCpu(`winograd ${shape}`, run);
      await useNative(isa);
      expect(relativeError(run(), expected)).toBeLessThan(1e-5);
    });

    it('trains by Winograd where rounding may be a little larger, and by plain sums otherwise', async () => {
      const run = () =>
        tf.tidy(() => {
          const x = tf.randomNormal([2, 32, 32, 32], 0, 1, 'float32', 1) as tf.Tensor4D;
          const filter = tf.randomNormal([3, 3, 32, 32], 0, 0.1, 'float32', 2) as tf.Tensor4D;
          const traced = tf.valueAndGrad((f) => tf.sum(tf.square(conv2d(x, f as tf.Tensor4D, null))))(filter);
          return {
            scored: conv2d(x, filter, null).dataSync(),
            loss: traced.value.dataSync(),
            df: traced.grad.dataSync(),
          };
        });
      const error = (a: ReturnType<typeof run>, b: ReturnType<typeof run>) => relativeError(a.df, b.df);
      const backend = await useNative(isa);
      const exact = run();
      backend.exactForward = false;
      const fast = run();
      backend.exactForward = true;
      expect(error(fast, exact)).toBeGreaterThan(0);
      expect(error(fast, exact)).toBeLessThan(1e-5);
      expect(fast.scored).toEqual(exact.scored);
    });

    it('any convolution', async () => {
      await fc.assert(
        fc.asyncProperty(convolution, fc.integer({ min: 1, max: 2 ** 30 }), async ({ steps, ...drawn }, seed) => {
          const [strides, dilations] = steps as [number, number];
          fc.pre(drawn.pad === 'same' || Math.min(drawn.h, drawn.w) > (drawn.k - 1) * dilations);
          const each = convCase({ ...drawn, strides, dilations });
          const name = `${each.name}, seed ${seed}`;
          const expected = await onCpu(name, () => runCase(each, seed));
          const magnitudes = await onCpu(`magnitudes of ${name}`, () => magnitudesOf(each, seed));
          await useNative(isa);
          // With a kink, single elements may fall on the other side of it: the tolerance of a whole model then.
          expect(caseError(runCase(each, seed), expected, magnitudes)).toBeLessThan(
            drawn.activation === 'linear' ? each.tolerance : 1e-4,
          );
        }),
        DRAWS,
      );
    });
  });
});

type Part = (x: tf.Tensor) => tf.Tensor;
type Elementwise = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const BINARY: Record<string, Elementwise> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  maximum: tf.maximum,
  minimum: tf.minimum,
  squaredDifference: tf.squaredDifference,
  greater: tf.greater,
  lessEqual: tf.lessEqual,
  pow: (a, b) => tf.pow(tf.abs(a), b),
};

const UNARY: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  neg: tf.neg,
  abs: tf.abs,
  exp: tf.exp,
  log: (x) => tf.log(tf.add(tf.abs(x), 0.1)),
  sqrt: (x) => tf.sqrt(tf.abs(x)),
  rsqrt: (x) => tf.rsqrt(tf.add(tf.abs(x), 0.1)),
  square: tf.square,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  relu: tf.relu,
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  step: (x) => tf.step(x, 0.2),
  sign: tf.sign,
  floor: tf.floor,
  round: tf.round,
  softplus: tf.softplus,
  clip: (x) => tf.clipByValue(x, -0.5, 0.7),
  toInt: (x) => tf.cast(x, 'int32'),
  toBool: (x) => tf.cast(x, 'bool'),
};

const REDUCE: Record<string, (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
};

const shape = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 });

describe.each(DEVICES)('device %s', (device, reason) => {
  describe.skipIf(reason)(title('plain kernels against cpu', reason), () => {
    /** Where the op sums what may cancel, `sums` is to be true and the inputs are to go through `part`. */
    async function agree(run: (part: Part) => tf.Tensor, tolerance = 1e-6, sums = false): Promise<void> {
      const valuesOf = (part: Part = (x) => x) => tf.tidy(() => [...run(part).dataSync()]);
      await selectBackend({ requested: 'cpu' });
      const expected = valuesOf();
      const magnitudes = sums ? valuesOf(tf.abs) : expected.map(() => 0);
      const backend = await useDevice(device);
      backend.fallbacks.clear();
      expect(relativeErrorOfSums(valuesOf(), expected, magnitudes)).toBeLessThan(tolerance);
      expect([...backend.fallbacks]).toEqual([]);
    }

    it('binary, broadcast', async () => {
      const drawn = fc.tuple(
        fc.constantFrom(...Object.keys(BINARY)),
        shape,
        fc.infiniteStream(fc.boolean()),
        fc.nat(3),
        fc.integer({ min: 1, max: 2 ** 30 }),
      );
      await fc.assert(
        fc.asyncProperty(drawn, async ([name, full, flat, drop, seed]) => {
          const narrow = full.map((side) => (flat.next().value ? 1 : side)).slice(Math.min(drop, full.length));
          await agree(
            () =>
              BINARY[name]!(
                tf.randomNormal(full, 0, 1, 'float32', seed),
                tf.randomNormal(narrow, 0.3, 1, 'float32', seed + 1),
              ),
            1e-5,
          );
        }),
        { numRuns: 60 },
      );
    });

    it('unary', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...Object.keys(UNARY)),
          shape,
          fc.integer({ min: 1, max: 2 ** 30 }),
          async (name, sides, seed) => {
            await agree(() => UNARY[name]!(tf.randomNormal(sides, 0, 2, 'float32', seed)));
          },
        ),
        { numRuns: 60 },
      );
    });

    it('reductions over any axes', async () => {
      const drawn = fc.tuple(
        fc.constantFrom(...Object.keys(REDUCE)),
        shape,
        fc.infiniteStream(fc.boolean()),
        fc.boolean(),
        fc.integer({ min: 1, max: 2 ** 30 }),
      );
      await fc.assert(
        fc.asyncProperty(drawn, async ([name, sides, chosen, keep, seed]) => {
          const axes = sides.map((_, d) => d).filter(() => chosen.next().value);
          // Products of hundreds of numbers around 1 stay in the range of float32, which is what is compared.
          const spread = name === 'prod' ? 0.05 : 1;
          const x = () => tf.randomNormal(sides, 1, spread, 'float32', seed);
          await agree((part) => REDUCE[name]!(part(x()), axes, keep), 1e-5, true);
        }),
        { numRuns: 60 },
      );
    });

    it('transpose, slice, pad, tile, concat, split, gather, one-hot', async () => {
      await fc.assert(
        fc.asyncProperty(
          shape,
          fc.integer({ min: 1, max: 2 ** 30 }),
          fc.infiniteStream(fc.nat(1000)),
          async (sides, seed, draw) => {
            const below = (limit: number) => draw.next().value! % limit;
            const order = sides
              .map((_, d) => [below(1000), d] as const)
              .sort((a, b) => a[0] - b[0])
              .map(([, d]) => d);
            const begin = sides.map((side) => below(side));
            const size = sides.map((side, d) => 1 + below(side - begin[d]!));
            const paddings = sides.map(() => [below(3), below(3)] as [number, number]);
            const reps = sides.map(() => 1 + below(3));
            const [first, second] = [below(sides[order[0]!]!), below(4)];
            const axis = below(sides.length);
            const x = () => tf.randomNormal(sides, 0, 1, 'float32', seed);
            await agree(() => tf.transpose(x(), order));
            await agree(() => tf.slice(x(), begin, size));
            await agree(() => tf.pad(x(), paddings, 0.5));
            await agree(() => tf.tile(x(), reps));
            await agree(() =>
              tf.concat(
                [
                  x(),
                  tf.slice(
                    x(),
                    begin.map((at, d) => (d === axis ? at : 0)),
                    sides.map((side, d) => (d === axis ? size[d]! : side)),
                  ),
                ],
                axis,
              ),
            );
            await agree(() => tf.stack(tf.split(x(), sides[axis]!, axis), 0));
            await agree(() => tf.gather(x(), tf.tensor1d([first, 0, first], 'int32'), order[0]!));
            await agree(() => tf.cast(tf.oneHot(tf.tensor1d([second, 1], 'int32'), 4), 'float32'));
          },
        ),
        { numRuns: 25 },
      );
    });

    it("the gradients of tfjs's own convolution, each by itself", async () => {
      const x = () => tf.randomNormal([2, 6, 7, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
      const filter = () => tf.randomNormal([3, 3, 3, 5], 0, 1, 'float32', 2) as tf.Tensor4D;
      const convolve = (x: tf.Tensor, filter: tf.Tensor) =>
        tf.sum(tf.square(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same')));
      await agree(() => tf.grad((each) => convolve(each, filter()))(x()), 1e-5);
      await agree(() => tf.grad((each) => convolve(x(), each))(filter()), 1e-5);
    });

    it('matrix products, transposed and in batches', async () => {
      const side = fc.integer({ min: 1, max: 40 });
      await fc.assert(
        fc.asyncProperty(
          fc.tuple(
            side,
            side,
            side,
            fc.integer({ min: 1, max: 3 }),
            fc.boolean(),
            fc.boolean(),
            fc.integer({ min: 1, max: 2 ** 30 }),
          ),
          async ([m, k, n, batch, ta, tb, seed]) => {
            await agree(
              (part) =>
                tf.matMul(
                  part(tf.randomNormal(ta ? [batch, k, m] : [batch, m, k], 0, 1, 'float32', seed)),
                  part(tf.randomNormal(tb ? [n, k] : [k, n], 0, 1, 'float32', seed + 1)),
                  ta,
                  tb,
                ),
              1e-5,
              true,
            );
          },
        ),
        { numRuns: 40 },
      );
    });
  });
});
