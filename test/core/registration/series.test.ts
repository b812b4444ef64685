import { describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import { biasOf, judgeSeries, type SeriesEntry } from '../../../packages/core/src/registration/series.ts';
import { madeRegistration } from '../../report/registration_fixture.ts';

/** Scenes a month apart whose bias is given by their number. */
function seriesOf(biases: readonly (readonly [number, number])[], error = 0.5): SeriesEntry[] {
  const rng = Rng.derive(3, 'series');
  return biases.map(([east, north], i) => ({
    ...{ id: `scene-${i}`, date: new Date(Date.UTC(2020, i)).toISOString() },
    bias: [east + rng.normal() * 0.4, north + rng.normal() * 0.4],
    error: [error, error],
  }));
}

describe('judgeSeries', () => {
  const biases = Array.from({ length: 14 }, (_, i) => [i < 8 ? 0 : 12, i === 3 ? 15 : 0] as const);

  it('finds the step in time, not the single scene that is off', () => {
    const { steps, scenes } = judgeSeries(seriesOf(biases), 5);
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ from: 'scene-7', to: 'scene-8', date: '2020-09-01T00:00:00.000Z' });
    expect(steps[0]!.step[0]).toBeCloseTo(12, 0);
    expect(scenes.filter(({ verdict }) => verdict === 'biased').map(({ id }) => id)).toEqual([
      'scene-3',
      ...[8, 9, 10, 11, 12, 13].map((i) => `scene-${i}`),
    ]);
  });

  it('orders scenes by date', () => {
    const series = seriesOf(biases);
    expect(judgeSeries([...series].reverse(), 5)).toEqual(judgeSeries(series, 5));
  });

  it('finds two steps', () => {
    const twice = Array.from({ length: 15 }, (_, i) => [i < 5 ? 0 : i < 10 ? 9 : -9, 0] as const);
    expect(judgeSeries(seriesOf(twice), 3).steps.map(({ to }) => to)).toEqual(['scene-5', 'scene-10']);
  });

  it('finds none in noise, and calls no scene aligned that may not be', () => {
    const { steps, scenes } = judgeSeries(
      seriesOf(
        Array.from({ length: 10 }, () => [0, 0] as const),
        4,
      ),
      5,
    );
    expect(steps).toEqual([]);
    expect(scenes.every(({ verdict }) => verdict === 'uncertain')).toBe(true);
  });

  it('takes a series of one scene and of none', () => {
    expect(judgeSeries([], 5)).toEqual({ scenes: [], steps: [] });
    expect(judgeSeries(seriesOf([[0, 0]]), 5).scenes).toMatchObject([{ verdict: 'aligned' }]);
  });
});

describe('biasOf', () => {
  it('is the mean offset of held-out points in metres, north upwards', () => {
    const { bias, error } = biasOf(madeRegistration())!;
    expect(bias[0]).toBeGreaterThan(60);
    expect(bias[0]).toBeLessThan(86);
    expect(bias[1]).toBeGreaterThan(36); // 4.6 rows up
    expect(bias[1]).toBeLessThan(56);
    expect(error[0]).toBeLessThan(5);
  });

  it('is unknown without points', () => {
    expect(biasOf(madeRegistration({ points: [] }))).toBeUndefined();
  });
});
