import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NonFiniteError } from '../../../packages/core/src/errors.ts';
import { type Ranked, TopK } from '../../../packages/core/src/gallery/top_k.ts';

/** Few values, so that many are equal. */
const scores = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true })), { maxLength: 200 });

const sorted = (all: readonly number[], k: number): Ranked[] =>
  all
    .map((score, index) => ({ index, score }))
    .filter(({ score }) => score > Number.NEGATIVE_INFINITY)
    .sort((a, b) => (a.score === b.score ? a.index - b.index : b.score > a.score ? 1 : -1))
    .slice(0, k);

describe('TopK', () => {
  it('keeps nothing of what must not be found', () => {
    const top = new TopK(2);
    top.add([Number.NEGATIVE_INFINITY, -1], 0);
    expect(top.list()).toEqual([{ index: 1, score: -1 }]);
  });

  it('is the beginning of a plain sort, equal scores in their order, whatever the blocks', () => {
    fc.assert(
      fc.property(scores, fc.nat(20), fc.integer({ min: 1, max: 50 }), (all, k, block) => {
        const top = new TopK(k);
        for (let at = 0; at < all.length; at += block) top.add(all.slice(at, at + block), at);
        expect(top.list()).toEqual(sorted(all, k));
      }),
    );
  });

  it('leaves out what is not allowed, as if it were not there', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 2, max: 5 }), (all, k, step) => {
        const top = new TopK(k);
        top.add(all, 0, (index) => index % step === 0);
        expect(top.list()).toEqual(
          sorted(all, all.length)
            .filter(({ index }) => index % step === 0)
            .slice(0, k),
        );
      }),
    );
  });

  it('refuses NaN, wherever it stands, and says at which tile', () => {
    fc.assert(
      fc.property(scores, fc.nat(200), (all, place) => {
        const at = Math.min(place, all.length);
        const broken = [...all.slice(0, at), Number.NaN, ...all.slice(at)];
        expect(() => new TopK(3).add(broken, 1000)).toThrow(NonFiniteError);
        expect(() => new TopK(3).add(broken, 1000)).toThrow(`tile ${1000 + at}`);
      }),
    );
  });
});
