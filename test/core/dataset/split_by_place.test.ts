import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dataset, PairRecord } from '../../../packages/core/src/dataset/dataset.ts';
import { SPLITS } from '../../../packages/core/src/dataset/patch_pair.ts';
import { splitByPlace, splitByProtocol } from '../../../packages/core/src/dataset/split_by_place.ts';
import { assignSplits } from '../../../packages/core/src/dataset/splits_file.ts';
import { SplitError, UsageError } from '../../../packages/core/src/errors.ts';

const dataset = (records: Pick<PairRecord, 'group' | 'footprint'>[]) =>
  ({ folder: 'data', records: records.map((each, i) => ({ id: `${i}`, ...each })) }) as unknown as Dataset;

const at = (group: string, x: number, side = 10) => ({
  group,
  footprint: { crs: 'EPSG:3395', bounds: [x, 0, x + side, side] as [number, number, number, number] },
});

const SHARES = { train: 0.7, validation: 0.1, test: 0.2 };

describe('splitByPlace', () => {
  it('never leaks, leaves no place out, and is the same for the same seed', () => {
    const place = fc.record({ group: fc.integer({ min: 0, max: 30 }), x: fc.integer({ min: 0, max: 2000 }) });
    const input = fc.tuple(fc.array(place, { minLength: 20, maxLength: 120 }), fc.nat(), fc.constantFrom(0, 1, 3));
    fc.assert(
      fc.property(input, ([places, seed, margin]) => {
        const data = dataset(places.map(({ group, x }) => at(`g${group}`, x)));
        const options = { shares: { train: 1, validation: 0, test: 0 }, seed, margin };
        expect(splitByPlace(data, options).train).toEqual([...new Set(data.records.map(({ group }) => group))].sort());
        let splits: ReturnType<typeof splitByPlace>;
        try {
          splits = splitByPlace(data, { ...options, shares: SHARES });
        } catch (error) {
          expect(error).toBeInstanceOf(SplitError); // all on common ground
          return;
        }
        expect(assignSplits(data.records, splits, 'x')).toHaveLength(places.length); // throws where it leaks
        expect(splitByPlace(data, { ...options, shares: SHARES })).toEqual(splits);
      }),
      { numRuns: 60 },
    );
  });

  it('comes near to the shares where places are small, and deals differently by seed', () => {
    const data = dataset(Array.from({ length: 1000 }, (_, i) => at(`g${Math.floor(i / 10)}`, i * 100)));
    const draw = (seed: number) => splitByPlace(data, { shares: SHARES, seed, margin: 0 });
    expect(SPLITS.map((split) => draw(1)[split].length)).toEqual([70, 10, 20]);
    expect(draw(2).test).not.toEqual(draw(1).test);
  });

  it('keeps together what overlaps, through others, and what is near where asked', () => {
    const chain = [at('a', 0), at('b', 8), at('c', 16), at('d', 100), at('e', 115), at('f', 300), at('g', 400)];
    const together = (margin: number, ...groups: string[]) =>
      Array.from({ length: 20 }, (_, seed) => splitByPlace(dataset(chain), { shares: SHARES, seed, margin })).every(
        (splits) => SPLITS.some((split) => groups.every((group) => splits[split].includes(group))),
      );
    expect(together(0, 'a', 'b', 'c')).toBe(true);
    expect(together(0, 'd', 'e')).toBe(false);
    expect(together(1, 'd', 'e')).toBe(true);
  });

  it('goes by the group where footprints are unknown', () => {
    const data = dataset(['a', 'b', 'c', 'a'].map((group) => ({ group })));
    const splits = splitByPlace(data, { shares: SHARES, seed: 3, margin: 1 });
    expect(SPLITS.flatMap((split) => splits[split]).sort()).toEqual(['a', 'b', 'c']);
    expect(splits.train).toEqual(['a']); // the largest
  });

  it('refuses shares that are none, and too few places', () => {
    const data = dataset([at('a', 0), at('b', 100)]);
    expect(() => splitByPlace(data, { shares: { ...SHARES, test: 0.3 }, seed: 1, margin: 0 })).toThrow(UsageError);
    expect(() => splitByPlace(data, { shares: { train: 1.5, validation: -0.5, test: 0 }, seed: 1, margin: 0 })).toThrow(
      UsageError,
    );
    expect(() => splitByPlace(data, { shares: SHARES, seed: 1, margin: 0 })).toThrow(
      /2 place\(s\), and nothing left for validation/,
    );
  });

  it('says why groups come to fewer places, and how many are needed', () => {
    const options = { shares: SHARES, seed: 1, margin: 0 };
    const sharing = Array.from({ length: 6 }, (_, i) => ({
      ...{ group: `g${i}`, sar: `patches/s${Math.floor(i / 3)}.png`, optical: `patches/o${i}.png` },
    }));
    expect(() => splitByPlace(dataset(sharing), options)).toThrow(
      /expected 3 places or more.*found 2 place\(s\) of 6 groups \(g0, g1, g2 share patches\/s0\.png\)/,
    );
    const near = dataset([at('a', 0), at('b', 5), at('c', 100)]);
    expect(() => splitByPlace(near, options)).toThrow(/2 place\(s\) of 3 groups \(a, b lie on common or near ground\)/);
  });
});

describe('splitByProtocol', () => {
  const protocol = { split: { train: ['a', 'z'], validation: ['b'], test: ['c'] }, unused: ['d', 'y'] };

  it('takes the part that the data set has', () => {
    const splits = splitByProtocol(dataset([at('c', 0), at('a', 100), at('d', 200), at('b', 300)]), protocol, 'p.json');
    expect(splits).toEqual({ train: ['a'], validation: ['b'], test: ['c'], unused: ['d'] });
  });

  it('refuses places that it does not name, and splits that stay empty', () => {
    const some = dataset([at('a', 0), at('b', 100), at('c', 200), at('q', 300)]);
    expect(() => splitByProtocol(some, protocol, 'p.json')).toThrow(/p\.json.*1 that are not, such as "q"/);
    expect(() => splitByProtocol(dataset([at('a', 0), at('b', 100)]), protocol, 'p.json')).toThrow(
      /places of the data set in test/,
    );
  });
});
