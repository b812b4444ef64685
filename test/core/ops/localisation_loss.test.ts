/** The loss of correlation maps against a plain computation in doubles, on each backend. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, type BackendName, selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { philoxNormal } from '../../../packages/core/src/base/philox.ts';
import { relativeError } from '../../../packages/core/src/base/tolerance.ts';
import { localisationLoss } from '../../../packages/core/src/ops/ops.ts';
import { backendLoaders, backendReports, EMULATED_CUDA } from '../../backends.ts';

/** Numbers of a batch, cell by cell. */
interface Batch {
  templates: number;
  windows: number;
  n: number;
  m: number;
  logScale: number;
  maps: Float32Array;
  positive: Float32Array;
  ignored: Float32Array;
  rivals?: Float32Array;
}

const logSumExp = (values: number[]) => {
  const highest = Math.max(...values);
  return highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
};

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/**
 * The loss, its gradients, and the sums of the magnitudes of their terms, from the definition: a list of cells for each
 * logarithm.
 *
 * `uncertainty` of dlogScale sums |share · k| (1 + |k| + |log|): a score k and a logarithm of single precision are off by
 * their share of its last digit, which the exponential k − log makes a relative error of the share.
 */
function plain({ templates, windows, n, m, logScale, maps, positive, ignored, rivals }: Batch) {
  const cells = range(n * m);
  const scale = Math.exp(logScale);
  const dk = new Float64Array(maps.length);
  const magnitudes = new Float64Array(maps.length);
  const place = (t: number, w: number, cell: number) => (t * windows + w) * n * m + cell;
  const k = (index: number) => maps[index]! * scale;
  const counted = (t: number, w: number) => {
    if (t === w) return cells.filter((cell) => ignored[w * n * m + cell] === 0).map((cell) => place(t, w, cell));
    return rivals?.[t * windows + w] === 0 ? [] : cells.map((cell) => place(t, w, cell));
  };
  let [loss, uncertainty] = [0, 0];
  const add = (indices: number[], weight: number) => {
    const log = logSumExp(indices.map(k));
    loss += weight * log;
    for (const index of indices) {
      const share = weight * Math.exp(k(index) - log);
      dk[index]! += share;
      magnitudes[index]! += Math.abs(share) * scale;
      uncertainty += Math.abs(share * k(index)) * (1 + Math.abs(k(index)) + Math.abs(log));
    }
  };
  for (const i of range(windows)) {
    add(
      range(windows).flatMap((w) => counted(i, w)),
      0.5 / windows,
    );
    add(
      range(templates).flatMap((t) => counted(t, i)),
      0.5 / windows,
    );
    add(
      cells.filter((cell) => positive[i * n * m + cell] === 1).map((cell) => place(i, i, cell)),
      -1 / windows,
    );
  }
  const dlogScale = dk.reduce((sum, d, index) => sum + d * k(index), 0);
  return { loss, dmaps: dk.map((d) => d * scale), magnitudes, dlogScale, uncertainty };
}

function computed({ templates, windows, n, m, logScale, maps, positive, ignored, rivals }: Batch, factor = 1) {
  return tf.tidy(() => {
    const where = {
      positive: tf.tensor3d(positive, [windows, n, m]),
      ignored: tf.tensor3d(ignored, [windows, n, m]),
      ...(rivals && { rivals: tf.tensor2d(rivals, [templates, windows]) }),
    };
    const lossOf = (x: tf.Tensor, scale: tf.Tensor) =>
      tf.mul(localisationLoss(x as tf.Tensor4D, scale as tf.Tensor1D, where), factor);
    const inputs = [tf.tensor4d(maps, [templates, windows, n, m]), tf.tensor1d([logScale])];
    const { value, grads } = tf.valueAndGrads(lossOf as (...x: tf.Tensor[]) => tf.Tensor)(inputs);
    return { loss: value.dataSync(), dmaps: grads[0]!.dataSync(), dlogScale: grads[1]!.dataSync() };
  });
}

/** Masks of 0 and 1 with these shares of ones; the first cell of each window is positive and not ignored. */
function batchOf(drawn: {
  windows: number;
  more: number;
  n: number;
  m: number;
  logScale: number;
  withRivals: boolean;
  seed: number;
}): Batch {
  const { windows, more, n, m, logScale, withRivals, seed } = drawn;
  const templates = windows + more;
  const noise = (count: number, offset: number) => philoxNormal(count, { seed, offset: offset * 2 ** 32 });
  const mask = (offset: number, threshold: number, first: number) =>
    noise(windows * n * m, offset).map((value, i) => (i % (n * m) === 0 ? first : Number(value > threshold)));
  const positive = mask(1, 1, 1);
  return {
    ...{ templates, windows, n, m, logScale, positive },
    maps: noise(templates * windows * n * m, 0).map((value) => 0.3 * value),
    ignored: mask(2, 0.5, 0).map((value, i) => value * (1 - positive[i]!)),
    ...(withRivals && { rivals: noise(templates * windows, 3).map((value) => Number(value > -0.5)) }),
  };
}

const batches = fc.record({
  windows: fc.integer({ min: 1, max: 6 }),
  more: fc.nat({ max: 3 }),
  n: fc.integer({ min: 1, max: 7 }),
  m: fc.integer({ min: 2, max: 7 }),
  logScale: fc.double({ min: -2, max: 4, noNaN: true }).map(Math.fround),
  withRivals: fc.boolean(),
  seed: fc.nat(),
});

const example = { windows: 3, more: 2, n: 4, m: 5, logScale: 3, withRivals: true, seed: 5 };

/** One pair whose three logarithms nearly cancel: what is left of dlogScale is smaller than what they are rounded by. */
const CANCELLING = {
  ...{ windows: 1, more: 0, n: 4, m: 4, logScale: Math.fround(3.9920690059661865), withRivals: false },
  seed: 1744561330,
};

const report = await backendReports();

for (const backend of [...BACKENDS, EMULATED_CUDA] as BackendName[]) {
  const { available, reason } = report[backend]!;
  describe.skipIf(!available)(`backend ${backend}${available ? '' : ` (skipped: ${reason})`}`, () => {
    beforeAll(async () => {
      await selectBackend({ requested: backend, loaders: await backendLoaders() });
    });

    it('is the definition, more templates than windows and pairs left out among them', () => {
      fc.assert(
        fc.property(batches, (drawn) => {
          const batch = batchOf(drawn);
          const [got, expected] = [computed(batch), plain(batch)];
          // Scores of single precision are rounded by their own size, and may cancel in what is summed.
          const rounding = 1e-6 * Math.exp(batch.logScale) * Math.max(...batch.maps.map(Math.abs));
          const tolerance = 2e-5 * Math.max(1, Math.abs(expected.loss)) + rounding;
          expect(Math.abs(got.loss[0]! - expected.loss)).toBeLessThan(tolerance);
          const difference = expected.dmaps.map((d, i) => d - got.dmaps[i]!);
          expect(Math.hypot(...difference)).toBeLessThan(2e-5 * Math.hypot(...expected.magnitudes));
          expect(Math.abs(got.dlogScale[0]! - expected.dlogScale)).toBeLessThan(2 ** -21 * expected.uncertainty);
        }),
        { numRuns: backend === EMULATED_CUDA ? 8 : 40, examples: [[CANCELLING]] },
      );
    });

    it('stays finite where the exponentials of the scores do not', () => {
      const batch = batchOf({ ...example, logScale: 9 });
      const { loss, dmaps, dlogScale } = computed(batch);
      expect(loss[0]).toBeCloseTo(plain(batch).loss, 0);
      expect([...dmaps, ...dlogScale].every(Number.isFinite)).toBe(true);
    });

    it('a pair that is left out has no gradient; the tape scales those of the others', () => {
      const batch = batchOf(example);
      const cells = batch.n * batch.m;
      const [once, thrice] = [computed(batch), computed(batch, 3)];
      const outside = range(batch.templates * batch.windows).filter(
        (pair) => batch.rivals![pair] === 0 && Math.floor(pair / batch.windows) !== pair % batch.windows,
      );
      expect(outside.length).toBeGreaterThan(0);
      for (const pair of outside)
        expect(once.dmaps.slice(pair * cells, (pair + 1) * cells).every((d) => d === 0)).toBe(true);
      expect(
        relativeError(
          thrice.dmaps,
          once.dmaps.map((d) => 3 * d),
        ),
      ).toBeLessThan(1e-6);
    });
  });
}

describe('shapes that do not go together', () => {
  beforeAll(async () => {
    await selectBackend({ requested: 'cpu' });
  });
  const maps = (templates: number, windows: number) => tf.zeros<tf.Rank.R4>([templates, windows, 3, 4]);
  const mask = (windows: number) => tf.zeros<tf.Rank.R3>([windows, 3, 4]);

  it('are refused by name', () => {
    const scale = tf.tensor1d([1]);
    const where = { positive: mask(2), ignored: mask(2) };
    expect(() => localisationLoss(maps(1, 2), scale, where)).toThrow('a template for each of 2 windows, found 1');
    expect(() => localisationLoss(maps(2, 2), scale, { ...where, ignored: mask(3) })).toThrow(
      'the mask ignored as [2,3,4]',
    );
    const rivals = tf.zeros<tf.Rank.R2>([2, 2]);
    expect(() => localisationLoss(maps(3, 2), scale, { ...where, rivals })).toThrow('the mask rivals as [3,2]');
  });
});
