/** What each step trains on: labels, guard, shares, evenness, and that it follows from seed and step alone. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anchorsMet,
  byAnchor,
  createSampler,
  type HardNegatives,
  type SamplerOptions,
  type StepPlan,
  type TrainingPairs,
} from '../../../../packages/core/src/training/matcher/sampler.ts';

import { guardWhere } from '../../dataset/fake_guard.ts';

/** Records 0 … n − 1, of which each run of `near` conflicts among itself. */
function pairsOf(n: number, near: number, more: Partial<TrainingPairs> = {}): TrainingPairs {
  return {
    anchors: Array.from({ length: n }, (_, i) => i),
    listed: [],
    guard: guardWhere((i, j) => Math.floor(i / near) === Math.floor(j / near)),
    ...more,
  };
}

const OPTIONS: SamplerOptions = { seed: 3, positives: 6, negatives: 6 };
const SHARES = { mined: 0, listed: 0 };
const NONE: HardNegatives = { mined: new Map() };

/** The pairs of a plan as records. */
const written = ({ sar, optical, pairing, labels }: StepPlan) =>
  labels.map((label, k) => ({
    label,
    sar: sar[pairing.sar[k]!]!.record,
    optical: optical[pairing.optical[k]!]!.record,
  }));

describe('a batch', () => {
  it('holds true pairs and negatives that the guard allows', () => {
    fc.assert(
      fc.property(
        fc.record({
          places: fc.integer({ min: 2, max: 12 }),
          near: fc.integer({ min: 1, max: 4 }),
          positives: fc.integer({ min: 1, max: 9 }),
          negatives: fc.integer({ min: 1, max: 30 }),
          seed: fc.nat(),
          step: fc.nat(1000),
        }),
        ({ places, near, step, ...options }) => {
          const pairs = pairsOf(places * near, near);
          const batch = written(createSampler(pairs, options).plan(step, NONE, SHARES));
          expect(batch.filter(({ label }) => label === 1)).toHaveLength(options.positives);
          expect(batch.filter(({ label }) => label === 0)).toHaveLength(options.negatives);
          for (const { label, sar, optical } of batch) {
            if (label === 1) expect(sar).toBe(optical);
            else expect(pairs.guard.conflict(sar, optical)).toBe(false);
          }
        },
      ),
    );
  });

  it('adds no patches for shuffled negatives where the batch itself has other ground', () => {
    const plan = createSampler(pairsOf(60, 1), OPTIONS).plan(0, NONE, SHARES);
    expect(plan.sar).toHaveLength(6);
    expect(plan.optical).toHaveLength(6);
    const negatives = written(plan).slice(6);
    expect(new Set(negatives.map(({ sar }) => sar)).size, 'each SAR patch is wrong once').toBe(6);
    expect(new Set(negatives.map(({ optical }) => optical)).size).toBe(6);
  });

  it('can hold every wrong pair of its patches, once', () => {
    const plan = createSampler(pairsOf(60, 1), { ...OPTIONS, negatives: 30 }).plan(4, NONE, SHARES);
    expect(plan.sar).toHaveLength(6);
    const pairs = written(plan).map(({ sar, optical }) => `${sar} ${optical}`);
    expect(new Set(pairs).size).toBe(36);
  });

  it('takes a patch from elsewhere where the batch is all of one place', () => {
    const plan = createSampler(pairsOf(400, 200), { ...OPTIONS, positives: 1, negatives: 2 }).plan(0, NONE, SHARES);
    expect(plan.sar).toHaveLength(3);
    expect(plan.optical).toHaveLength(1);
  });

  it('follows from seed and step', () => {
    const plan = (seed: number, step: number) =>
      createSampler(pairsOf(40, 2), { ...OPTIONS, seed }).plan(step, NONE, SHARES);
    const sampler = createSampler(pairsOf(40, 2), OPTIONS);
    for (const step of [0, 1, 2, 3, 17]) expect(sampler.plan(step, NONE, SHARES)).toEqual(plan(3, step));
    expect(plan(4, 0)).not.toEqual(plan(3, 0));
  });

  it('gives both patches of a pair one geometry, and each added patch its own', () => {
    const mined = byAnchor(Array.from({ length: 40 }, (_, i) => ({ optical: i, sar: (i + 7) % 40 })));
    const plan = createSampler(pairsOf(40, 1), OPTIONS).plan(0, { mined }, { mined: 1, listed: 0 });
    expect(plan.sar.slice(0, 6)).toEqual(plan.optical);
    expect(new Set(plan.sar.map(({ geometry }) => geometry)).size).toBe(12);
  });
});

describe('over the steps', () => {
  it('every anchor is met once in each round', () => {
    const sampler = createSampler(pairsOf(20, 1), OPTIONS);
    const met = Array.from({ length: 10 }, (_, step) =>
      sampler.plan(step, NONE, SHARES).optical.map(({ record }) => record),
    );
    const rounds = met.flat();
    for (const round of [0, 1, 2]) {
      expect(rounds.slice(round * 20, round * 20 + 20).sort((a, b) => a - b)).toEqual(pairsOf(20, 1).anchors);
    }
    expect(rounds.slice(0, 20)).not.toEqual(rounds.slice(20, 40));
  });

  it('mined negatives have their share, with their own anchors', () => {
    const mined = byAnchor(Array.from({ length: 40 }, (_, i) => ({ optical: i, sar: (i + 7) % 40 })));
    const sampler = createSampler(pairsOf(40, 1), OPTIONS);
    let count = 0;
    for (let step = 0; step < 200; step++) {
      const negatives = written(sampler.plan(step, { mined }, { mined: 0.25, listed: 0 })).filter(
        ({ label }) => label === 0,
      );
      expect(negatives).toHaveLength(6);
      count += negatives.filter(({ sar, optical }) => sar === (optical + 7) % 40).length;
    }
    expect(count / 1200).toBeGreaterThan(0.25);
    expect(count / 1200).toBeLessThan(0.32); // a few shuffled ones are of the same kind by chance
  });

  it('shuffled negatives fill up where an anchor has no mined one', () => {
    const mined = byAnchor([{ optical: 0, sar: 9 }]);
    const batch = written(createSampler(pairsOf(40, 1), OPTIONS).plan(1, { mined }, { mined: 1, listed: 0 }));
    expect(batch.filter(({ label }) => label === 0)).toHaveLength(6);
  });

  it('pairs that the data set labels 0 have their share', () => {
    const listed = [100, 101, 102];
    const sampler = createSampler(pairsOf(40, 1, { listed }), OPTIONS);
    const own = (step: number) =>
      written(sampler.plan(step, NONE, { mined: 0, listed: 0.5 })).filter(
        ({ sar, optical }) => sar === optical && sar >= 100,
      );
    const seen = [0, 1, 2, 3].flatMap(own);
    expect(seen).toHaveLength(12);
    expect(seen.every(({ label }) => label === 0)).toBe(true);
    expect(new Set(seen.map(({ sar }) => sar))).toEqual(new Set(listed));
  });
});

it('fewer than two true pairs, or one place alone, cannot be trained on', () => {
  expect(() => createSampler(pairsOf(1, 1), OPTIONS)).toThrow(/at least two positive pairs/);
  const onePlace = createSampler(pairsOf(8, 8), OPTIONS);
  expect(() => onePlace.plan(0, NONE, SHARES)).toThrow(/Train on pairs of several places/);
});

describe('the anchors that a run meets', () => {
  it('are those of its batches, over rounds of the deck too', () => {
    const pairs = pairsOf(20, 1);
    const sampler = createSampler(pairs, OPTIONS);
    const seen = (from: number, to: number) => {
      const records = Array.from({ length: to - from }, (_, i) => sampler.plan(from + i, NONE, SHARES).optical).flat();
      return [...new Set(records.map(({ record }) => record))].sort((a, b) => a - b);
    };
    expect(anchorsMet(pairs.anchors, OPTIONS, 0, 2)).toEqual(seen(0, 2));
    expect(anchorsMet(pairs.anchors, OPTIONS, 2, 5)).toEqual(seen(2, 5));
    expect(anchorsMet(pairs.anchors, OPTIONS, 0, 100)).toEqual(pairs.anchors);
  });
});
