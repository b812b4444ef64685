/** Scores of small batches, which `native` records once for each shape and then replays: the same bits as plain ones. */

import { type AddonBackend, GraphError, nativeBackendLoaders } from '@doppel/native-cuda';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentAbilities, selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { createScorer, type MatchScorer } from '../../packages/core/src/matcher/scorer.ts';
import { conv2d, normalNoise } from '../../packages/core/src/ops/ops.ts';
import { skipReason, title, useNative, useThreads } from './addon.ts';

const SIDE = 64;

const patches = (count: number, bands: number, seed: number, side = SIDE) =>
  tf.randomNormal<tf.Rank.R4>([count, side, side, bands], 0, 1, 'float32', seed);

function newScorer(preset: string): MatchScorer {
  const matcher = createMatcher({ preset, side: SIDE, sarBands: 1, opticalBands: 3, seed: 1 });
  const scorer = createScorer(matcher);
  matcher.dispose();
  return scorer;
}

function scoresOf({ score }: MatchScorer, count: number, seed: number, side = SIDE): Float32Array {
  return tf.tidy(
    () => score(patches(count, 1, seed, side), patches(count, 3, seed + 1000, side)).dataSync() as Float32Array,
  );
}

const SEEDS = [1, 2, 3];

/** Of a scorer's first batch, which is never replayed. */
function plainScoresOf(preset: string, seed: number): Float32Array {
  const scorer = newScorer(preset);
  const scores = scoresOf(scorer, 2, seed);
  scorer.dispose();
  return scores;
}

describe.skipIf(skipReason)(title('replayed scores'), () => {
  let native: AddonBackend;
  let threads: number;
  beforeEach(async () => {
    native = await useNative();
    threads = useThreads(2);
  });
  afterEach(() => {
    useThreads(threads);
  });

  /** Number of replays during f. */
  function replaysOf(f: () => void): number {
    const replay = vi.spyOn(native.device, 'replay').mockClear();
    f();
    return replay.mock.calls.length;
  }

  describe.each(ARCHITECTURES.names().filter((name) => name !== 'small'))('of %s', (preset) => {
    it.each([1, 2, 3, 8])('have the bits of plain ones, on %d threads', (count) => {
      useThreads(count);
      const scorer = newScorer(preset);
      scoresOf(scorer, 2, 99);
      let found: Float32Array[] = [];
      const replays = replaysOf(() => {
        found = SEEDS.map((seed) => scoresOf(scorer, 2, seed));
      });
      expect(replays).toBe(SEEDS.length);
      scorer.dispose();
      expect(found).toEqual(SEEDS.map((seed) => plainScoresOf(preset, seed)));
    });
  });

  it('copy nothing between JavaScript and the device but patches and scores, and give their memory back', () => {
    const before = native.device.memory(); // with recordings of models that other files of this process left open
    const scorer = newScorer('dense');
    const [sar, optical] = [patches(1, 1, 1), patches(1, 3, 2)];
    const score = () => tf.tidy(() => scorer.score(sar, optical).dataSync());
    score();
    expect(native.device.memory().graphs).toBe(before.graphs);
    score();
    const { graphs, buffers } = native.device.memory();
    expect(graphs - before.graphs).toBeGreaterThan(SIDE * SIDE * 16 * 4);
    const { up, down } = native.transfers;
    score();
    expect(native.transfers).toEqual({ up, down: down + 4 });
    expect(native.device.memory()).toMatchObject({ graphs, buffers });
    scorer.dispose();
    tf.dispose([sar, optical]);
    const { peak: _, held: __, ...kept } = before;
    expect(native.device.memory()).toMatchObject(kept);
  });

  it('are of small batches only, and of four shapes', () => {
    const scorer = newScorer('dense');
    const score = (counts: number[]) => () => {
      for (const count of counts) scoresOf(scorer, count, 1);
    };
    expect(replaysOf(score([5, 5, 64, 64]))).toBe(0);
    const sides = () => {
      for (const side of [32, 40, 48, 56, 64]) for (const seed of SEEDS) scoresOf(scorer, 1, seed, side);
    };
    expect(replaysOf(sides)).toBe(4 * 2);
    scorer.dispose();
  });

  describe('stay right', () => {
    const one = (scorer: MatchScorer) => scoresOf(scorer, 1, 5, 32)[0];

    it.each(['score', 'halves'] as const)('after the %s ran on another backend', async (part) => {
      const scorer = newScorer('dense');
      const [expected] = [one(scorer), one(scorer)];
      tf.setBackend('cpu');
      tf.tidy(() => {
        const [sar, optical] = [patches(1, 1, 5, 32), patches(1, 3, 1005, 32)];
        const { halves } = scorer;
        if (part === 'score') scorer.score(sar, optical).dataSync();
        else halves!.join(halves!.sar(sar), halves!.optical(optical)).dataSync();
      });
      tf.setBackend('native');
      // Memory of the weights that left, if it were free.
      const others = Array.from({ length: 200 }, (_, i) => tf.randomNormal([9 * 32 * (1 + (i % 64))], 0, 50));
      expect(one(scorer)).toBe(expected);
      scorer.dispose();
      tf.dispose(others);
    });

    it('where a gradient passes', () => {
      const scorer = newScorer('dense');
      const optical = patches(1, 3, 6, 32);
      const slope = () =>
        tf.tidy(() =>
          tf
            .grad((sar) => tf.sum(scorer.score(sar as tf.Tensor4D, optical)))(patches(1, 1, 5, 32))
            .dataSync(),
        );
      const first = slope();
      expect(first.some((each) => each !== 0)).toBe(true);
      for (let i = 0; i < 2; i++) expect(slope()).toEqual(first);
      scorer.dispose();
      optical.dispose();
    });

    it('where the backend is selected with another precision', async () => {
      const select = (precision: string) =>
        selectBackend({ requested: 'native', loaders: nativeBackendLoaders({ precision }) });
      const [kept, fresh] = [newScorer('dense'), newScorer('dense')];
      const exact = [one(kept), one(kept)][1];
      await select('bf16');
      const rounded = one(fresh);
      expect(rounded).not.toBe(exact);
      expect(one(kept)).toBe(rounded);
      await select('fp32');
      for (const each of [kept, fresh]) {
        expect(one(each)).toBe(exact);
        each.dispose();
      }
    });
  });

  describe('a function', () => {
    const specs = [{ shape: [4], dtype: 'float32' as const }];

    it('with a part that JavaScript computes, or whose values it reads, is not recorded', () => {
      const { captureFunction } = currentAbilities();
      const { graphs } = native.device.memory();
      expect(captureFunction!(specs, (x) => tf.asin(x))).toBeUndefined();
      expect(captureFunction!(specs, (x) => tf.tensor1d(x.dataSync()))).toBeUndefined();
      expect(native.device.memory().graphs).toBe(graphs);
      expect([...tf.tidy(() => tf.add(tf.ones([2]), 1).dataSync())]).toEqual([2, 2]);
    });

    it('that fails is not recorded', () => {
      const fail = () => {
        throw new Error('out of luck');
      };
      expect(currentAbilities().captureFunction!(specs, fail)).toBeUndefined();
      const nested = (x: tf.Tensor) => {
        expect(currentAbilities().captureFunction!(specs, tf.square)).toBeUndefined();
        return tf.add(x, 1);
      };
      const recorded = currentAbilities().captureFunction!(specs, nested)!;
      expect([...recorded.run(tf.zeros([4])).dataSync()]).toEqual([1, 1, 1, 1]);
      recorded.dispose();
    });

    it('refuses other inputs than it was recorded for, and to run once it is disposed of', () => {
      const recorded = currentAbilities().captureFunction!(specs, (x) => tf.mul(x, 2))!;
      expect(() => recorded.run(tf.zeros([5]))).toThrow(/expected float32 \[4\], found float32 \[5\]/);
      expect(() => recorded.run(tf.zeros([4], 'int32'))).toThrow(/found int32 \[4\]/);
      expect(() => recorded.run()).toThrow(GraphError);
      recorded.dispose();
      recorded.dispose();
      expect(() => recorded.run(tf.zeros([4]))).toThrow(/disposed of/);
    });

    it('takes its inputs anew, as filters and beside the noise of a draw, too', () => {
      const shapes = [
        [1, 8, 8, 16],
        [3, 3, 16, 16],
      ];
      const blurred = (x: tf.Tensor, filter: tf.Tensor) => {
        const { shape } = x as tf.Tensor4D;
        const noisy = tf.add(x, normalNoise(shape, { seed: 1, offset: 0 })) as tf.Tensor4D;
        return conv2d(noisy, filter as tf.Tensor4D, null);
      };
      const recorded = currentAbilities().captureFunction!(
        shapes.map((shape) => ({ shape, dtype: 'float32' as const })),
        (x, filter) => blurred(x!, filter!),
      )!;
      for (let round = 0; round < 3; round++) {
        tf.tidy(() => {
          const [x, filter] = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', 10 * round + i + 1));
          expect(recorded.run(x!, filter!).dataSync()).toEqual(blurred(x!, filter!).dataSync());
        });
      }
      recorded.dispose();
    });

    it('of parts that meet, part and meet again is computed in their order', () => {
      const diamond = (x: tf.Tensor) => {
        const [a, b] = [tf.mul(x, x), tf.exp(x)]; // side by side
        const met = tf.add(a, b);
        const [c, d] = [tf.sin(met), tf.cos(met)];
        return tf.sub(tf.mul(c, a), tf.mul(d, b));
      };
      const recorded = currentAbilities().captureFunction!(specs, diamond)!;
      for (let round = 0; round < 20; round++) {
        tf.tidy(() => {
          const x = tf.randomNormal([4], 0, 1, 'float32', round + 1);
          expect(recorded.run(x).dataSync()).toEqual(diamond(x).dataSync());
        });
      }
      recorded.dispose();
    });
  });
});
