/** Scores of small batches, which `native` records once for each shape and then replays: the same bits, and who pays. */

import type { AddonBackend } from '@doppel/native-cuda';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentAbilities } from '../../packages/core/src/backends/select_backend.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { createScorer, type MatchScorer } from '../../packages/core/src/matcher/scorer.ts';
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
    const before = native.device.memory();
    const scorer = newScorer('dense');
    const [sar, optical] = [patches(1, 1, 1), patches(1, 3, 2)];
    const score = () => tf.tidy(() => scorer.score(sar, optical).dataSync());
    score();
    expect(native.device.memory().graphs).toBe(0);
    score();
    const { graphs, buffers } = native.device.memory();
    expect(graphs).toBeGreaterThan(SIDE * SIDE * 16 * 4);
    const { up, down } = native.transfers;
    score();
    expect(native.transfers).toEqual({ up, down: down + 4 });
    expect(native.device.memory()).toMatchObject({ graphs, buffers });
    scorer.dispose();
    tf.dispose([sar, optical]);
    expect(native.device.memory()).toMatchObject({ graphs: 0, buffers: before.buffers, inUse: before.inUse });
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

  describe('a function', () => {
    const specs = [{ shape: [4], dtype: 'float32' as const }];

    it('with a part that JavaScript computes, or whose values it reads, is not recorded', () => {
      const { captureFunction } = currentAbilities();
      expect(captureFunction!(specs, (x) => tf.asin(x))).toBeUndefined();
      expect(captureFunction!(specs, (x) => tf.tensor1d(x.dataSync()))).toBeUndefined();
      expect(native.device.memory().graphs).toBe(0);
      expect([...tf.tidy(() => tf.add(tf.ones([2]), 1).dataSync())]).toEqual([2, 2]);
    });

    it('that fails says why', () => {
      const fail = () => {
        throw new Error('out of luck');
      };
      expect(() => currentAbilities().captureFunction!(specs, fail)).toThrow(/out of luck/);
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
