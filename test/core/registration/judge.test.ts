import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { mahalanobis } from '../../../packages/core/src/registration/fit_plane.ts';
import { judge } from '../../../packages/core/src/registration/judge.ts';
import { ELLIPSE_90 } from '../../../packages/core/src/registration/noise.ts';
import { mapPoint } from '../../../packages/core/src/registration/plane_map.ts';
import { MODEL_KINDS, type TiePoint } from '../../../packages/core/src/registration/registration.ts';
import { cornerError, frame, madePoints, PIXEL, similarity } from './synthetic.ts';

const chosenOf = (ladder: readonly { kind: string; chosen: boolean }[]) => ladder.find(({ chosen }) => chosen)?.kind;

describe('judge', () => {
  it('finds a similarity with outliers, trusts it and tells the points that are off', () => {
    fc.assert(
      fc.property(
        fc.record({
          column: fc.integer({ min: -100, max: 100 }),
          row: fc.integer({ min: -100, max: 100 }),
          degrees: fc.double({ min: -5, max: 5, noNaN: true }),
          scale: fc.double({ min: 0.95, max: 1.05, noNaN: true }),
          seed: fc.integer({ min: 1, max: 1e6 }),
        }),
        ({ column, row, degrees, scale, seed }) => {
          const map = similarity(column, row, degrees, scale);
          const found = judge(madePoints({ map, seed, wrong: 0.4 }), { ...frame(seed), turn: 0.09 });
          expect(found).toMatchObject({ status: 'trusted' });
          expect(cornerError(found.correction!.map, map, mapPoint)).toBeLessThan(2.5);
          const off = found.points.filter(({ reason }) => reason === 'off the model').length;
          expect(off).toBeGreaterThan(20);
          expect(off).toBeLessThan(60);
        },
      ),
      { numRuns: 6 },
    );
  });

  it('finds a shift where nothing else is there, as such or all but, though richer models fit as well', () => {
    const map = similarity(7, -3);
    const found = Array.from({ length: 10 }, (_, seed) => judge(madePoints({ map, seed }), frame(seed)));
    const kinds = found.map(({ ladder }) => chosenOf(ladder));
    expect(kinds.filter((kind) => kind === 'shift').length).toBeGreaterThanOrEqual(3);
    for (const { correction } of found) expect(cornerError(correction!.map, map, mapPoint)).toBeLessThan(0.8);
  });

  it('fits no more than a shift to a few points, and a turn where one is expected', () => {
    const few = { map: similarity(6, 2), cells: 3, wrong: 0.1, seed: 4 };
    expect(judge(madePoints(few), frame()).correction!.map.kind).toBe('shift');
    const turned = judge(madePoints({ ...few, map: similarity(6, 2, 2) }), { ...frame(), turn: 0.05 });
    expect(turned.correction!.map.kind).toBe('similarity');
  });

  it('fits the model that it is asked for', () => {
    const map = similarity(4, 9, 0.3);
    for (const kind of MODEL_KINDS) {
      const { correction, ladder } = judge(madePoints({ map }), { ...frame(), kinds: [kind] });
      expect(correction!.map.kind).toBe(kind);
      expect(ladder.map((rung) => [rung.kind, rung.chosen])).toEqual([[kind, true]]);
    }
  });

  it('finds a turn that the georeference hides, and is as sure of one that it is told of', () => {
    const map = similarity(4, 9, 1.5, 1.01);
    for (const turn of [undefined, 0.03]) {
      const found = judge(madePoints({ map, seed: 3 }), { ...frame(3), turn });
      expect(found.status).toBe('trusted');
      expect(cornerError(found.correction!.map, map, mapPoint)).toBeLessThan(1);
    }
  });

  it('states an uncertainty that bounds what it makes of a small turn that nobody has told of', () => {
    for (const [seed, degrees] of [0.2, -0.35, 0.35, 0.42, 0.6, 1].entries()) {
      const map = similarity(10, -20, degrees, 1 - 0.01 * degrees);
      const { tests, correction } = judge(madePoints({ map, seed, wrong: 0.4 }), frame(seed));
      const stated = Math.max(
        ...tests!.filter(({ name }) => /at the corners, px/.test(name)).map(({ value }) => value),
      );
      expect(cornerError(correction!.map, map, mapPoint)).toBeLessThan(stated + 1);
    }
  });

  it('turns optical pixels into SAR pixels by its matrix', () => {
    const found = judge(madePoints({ map: similarity(12, -5), noise: 0.05 }), frame());
    const [[a, b, c], [d, e, f]] = found.matrix as [number[], number[], number[]] as unknown as [
      [number, number, number],
      [number, number, number],
    ];
    expect(a * 300 + b * 200 + c).toBeCloseTo(312, 1);
    expect(d * 300 + e * 200 + f).toBeCloseTo(195, 1);
  });

  it('takes hills for what they are, not for a georeference that leans', () => {
    const map = similarity(8, -5);
    const found = Array.from({ length: 6 }, (_, seed) =>
      judge(hilly(madePoints({ map, seed, wrong: 0.1 }), seed), frame(seed)),
    );
    const trusted = found.filter(({ status }) => status === 'trusted');
    expect(trusted.length).toBeGreaterThanOrEqual(5);
    const leans = trusted.map(({ correction, tests, caveats }) => {
      expect(cornerError(correction!.map, map, mapPoint)).toBeLessThan(9);
      const lean = tests!.find(({ name }) => /cross-validated/.test(name))!.value;
      expect(caveats!.some((caveat) => caveat.includes('taken for terrain'))).toBe(lean > 4);
      return lean;
    });
    expect(Math.max(...leans)).toBeGreaterThan(10); // further than that cross-validation alone would lean corners
  });

  it('refuses a lean of which it is not known whether it is terrain', () => {
    const points = hilly(madePoints({ map: similarity(8, -5), seed: 5, wrong: 0.1 }), 5, 30);
    const { status, reason, caveats } = judge(points, { ...frame(5), turn: 0.035 });
    expect({ status, reason }).toEqual({
      status: 'refused',
      reason: expect.stringMatching(/^the points lean the corners by [\d.]+ px, which is more than terrain does/),
    });
    expect(caveats!.join()).not.toContain('taken for terrain');
  });

  it('never lets a held-out point into a fit', () => {
    const map = similarity(4, 9, 1);
    const points = madePoints({ map, seed: 5 });
    const plain = judge(points, frame(5));
    const held = new Set(plain.points.filter(({ heldOut }) => heldOut).map(({ id }) => id));
    const moved = points.map((point) =>
      held.has(point.id)
        ? { ...point, opticalGround: [point.opticalGround![0] + 300, point.opticalGround![1]] as const }
        : point,
    );
    const spoiled = judge(moved, frame(5));
    expect(spoiled.correction).toEqual(plain.correction);
    expect(spoiled.ladder).toEqual(plain.ladder);
    expect(spoiled).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('held-out points do not confirm'),
    });
    expect(held.size).toBe(20);
  });

  it('refuses points that were found anywhere', () => {
    const trusted = Array.from({ length: 24 }, (_, seed) => {
      const points = madePoints({ map: similarity(0, 0), wrong: 1, seed, cells: 3 + (seed % 8) });
      return judge(points, frame(seed)).status;
    }).filter((status) => status === 'trusted');
    expect(trusted).toEqual([]);
  });

  it('refuses with a reason where nothing can be fitted', () => {
    const none: TiePoint[] = madePoints({ map: similarity(0, 0) }).map((point) => ({
      ...point,
      reason: 'flat' as const,
    }));
    expect(judge(none, frame())).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('too few points'),
      ladder: [],
    });
    expect(judge([], frame()).status).toBe('refused');
  });

  it('refuses where the other features see another place', () => {
    const points = madePoints({ map: similarity(3, 3) });
    const elsewhere = madePoints({ map: similarity(20, -9), seed: 8 });
    const agreeing = madePoints({ map: similarity(3, 3), seed: 8 });
    expect(judge(points, { ...frame(), second: elsewhere })).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('disagree'),
    });
    expect(judge(points, { ...frame(), second: agreeing }).status).toBe('trusted');
  });

  it('refuses points on a line', () => {
    const points = madePoints({ map: similarity(3, 3) }).map((point) =>
      point.cell.row === 4 ? point : { ...point, reason: 'weak' as const },
    );
    expect(judge(points, frame())).toMatchObject({ status: 'refused', reason: expect.stringContaining('on a line') });
  });

  it.each([0.05, 20])('calibrates covariances that are wrong by a factor of %d', (misstated) => {
    const shares = Array.from({ length: 12 }, (_, seed) => {
      const { points } = judge(madePoints({ map: similarity(5, 2, 1), seed, misstated }), frame(seed));
      const held = points.filter(({ heldOut, reason }) => heldOut && reason === 'used');
      const within = held.filter(
        ({ residual, covariance }) => mahalanobis([residual!.column, residual!.row], covariance!) <= ELLIPSE_90,
      );
      return [within.length, held.length] as const;
    });
    const [within, all] = [0, 1].map((i) => shares.reduce((sum, each) => sum + each[i as 0 | 1], 0)) as [
      number,
      number,
    ];
    expect(within / all).toBeGreaterThan(0.85);
    expect(within / all).toBeLessThan(0.95);
  });

  it('states quality before and after in metres', () => {
    const { quality } = judge(madePoints({ map: similarity(-30, 10), noise: 0.8 }), frame());
    expect(quality).toMatchObject({ unit: 'm', pixel: PIXEL });
    expect(quality!.before.biasX).toBeCloseTo(300, -1); // found 30 px to the right, where the correction moves it back
    expect(quality!.before.biasY).toBeCloseTo(100, -1);
    expect(Math.abs(quality!.biasX)).toBeLessThan(5);
    expect(quality!.rmseX).toBeLessThan(1.5 * PIXEL);
    expect(quality!.intervals.ce90[0]).toBeLessThanOrEqual(quality!.ce90);
    expect(quality!.intervals.ce90[1]).toBeGreaterThanOrEqual(quality!.ce90);
  });
});

/** Points that two hills displace along a row, as a side-looking radar sees them: by up to so many pixels each. */
function hilly(points: readonly TiePoint[], seed: number, most = 18): TiePoint[] {
  const rng = Rng.derive(seed, 'hills');
  const hills = [0, 1].map(() => ({
    column: rng.int(1024),
    row: rng.int(1024),
    shift: rng.int(2) === 0 ? -most : most,
  }));
  const radius = 250;
  return points.map((point) => {
    const { sar, opticalGround } = point;
    const shifts = hills.map(
      ({ column, row, shift }) => shift * Math.exp(-((sar[0] - column) ** 2 + (sar[1] - row) ** 2) / (2 * radius ** 2)),
    );
    const shift = shifts.reduce((sum, each) => sum + each, 0);
    return { ...point, opticalGround: [opticalGround![0] + shift * PIXEL, opticalGround![1]] as const };
  });
}
