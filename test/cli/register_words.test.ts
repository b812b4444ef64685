/** Parts of `doppel register` that need no scenes: its flags, and the way out of a refusal. */
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../packages/cli/src/command_line.ts';
import { accuracyText } from '../../packages/cli/src/commands/register/apply.ts';
import { PAIR_FLAGS, type PairValues, taskFrom } from '../../packages/cli/src/commands/register/pair_flags.ts';
import { changedFlags } from '../../packages/cli/src/commands/register/settings_flags.ts';
import { adviceOn, summaryText } from '../../packages/cli/src/commands/register/summary.ts';
import type { Reason } from '../../packages/core/src/registration/registration.ts';
import { summaryOf } from '../../packages/core/src/registration/summary.ts';
import { madeRegistration } from '../report/registration_fixture.ts';

const read = (...words: string[]) =>
  readCommandLine('doppel register', { words: {}, flags: PAIR_FLAGS }, words) as unknown as PairValues;

describe('the flags of a registration', () => {
  const words = ['--radius', '600m', '--optical-bands', '3,2,1', '--geotransform-only', '--force', '--sar-unit=dB'];

  it('mean the same after they were kept in a plan', () => {
    const values = read(...words);
    expect(values.radius).toEqual({ value: 600, unit: 'm' });
    const kept = JSON.parse(JSON.stringify(values)) as PairValues;
    const { settings, outputs, changed, asNamed } = taskFrom(kept);
    expect({ settings, outputs, changed, asNamed }).toEqual(taskFrom(values));
  });

  it('are told where they are not the defaults', () => {
    expect(changedFlags(read())).toEqual([]);
    expect(changedFlags(read(...words)).sort()).toEqual(['--optical-bands 3,2,1', '--radius 600m', '--sar-unit dB']);
    expect(changedFlags(read('--radius', 'scene'))).toEqual(['--radius scene']);
  });
});

describe('the way out of a refusal', () => {
  const all = (reason: Reason) => {
    const made = madeRegistration({ status: 'refused', reason: 'too few points' });
    return { ...made, points: made.points.map((point) => ({ ...point, reason, heldOut: false })) };
  };

  it.each<[Reason, RegExp]>([
    ['flat', /clouds, water or even ground/],
    ['no data', /check extents and no-data values/],
    ['at the border of the search', /a larger --radius/],
  ])('is told where most cells are %s', (reason, advice) => {
    expect(adviceOn(all(reason))).toMatch(advice);
  });

  it('is a wider search where nothing agrees', () => {
    expect(adviceOn({ ...all('weak'), coarse: undefined, points: [] })).toContain('--radius (scene: anywhere)');
    expect(adviceOn(all('weak'))).toContain('most cells are not found again: clouds, water');
    expect(adviceOn(all('used'))).toBe('');
    const small = { ...all('weak'), coarse: undefined, points: [], reason: 'the scene has room for 4 windows only' };
    expect(adviceOn(small)).toBe('');
  });

  it('stands in the text, with the counts', () => {
    const registration = all('flat');
    const summary = summaryOf(registration, { files: { report: 'out/report.html' }, backend: 'cpu', seconds: 1 });
    const text = summaryText(registration, summary);
    expect(text).toContain('refused: too few points\n  most cells have no structure');
    expect(text).toContain('points: 0 of 64 cells used; 64 flat');
  });
});

describe('the summary', () => {
  it('tells caveats at the verdict', () => {
    const registration = madeRegistration({ caveats: ['no held-out check'] });
    const summary = summaryOf(registration, { files: {}, backend: 'cpu', seconds: 1 });
    expect(summary.caveats).toEqual(['no held-out check']);
    expect(summaryText(registration, summary)).toMatch(/^trusted, but mind:\n {2}! no held-out check\n/);
  });

  it('has null where nothing was found', () => {
    const { correction: _, matrix: __, quality: ___, matcher: ____, ...bare } = madeRegistration();
    expect(summaryOf({ ...bare, ladder: [] }, { files: {}, backend: 'cpu', seconds: 1 })).toMatchObject({
      ...{ model: null, matrix: null, quality: null, intervals: null, matcher: null },
    });
  });

  it('counts every reason', () => {
    const { points } = summaryOf(madeRegistration(), { files: {}, backend: 'cpu', seconds: 1 });
    expect(Object.values(points).reduce((sum, count) => sum + count, 0)).toBe(64);
    expect(points.used).toBe(42);
  });
});

describe('the text of a result', () => {
  it('says how to get a STAC item where nothing states a time', () => {
    const registration = madeRegistration();
    const textOf = (files: Record<string, string>) =>
      summaryText(registration, summaryOf(registration, { files, backend: 'cpu', seconds: 1 }));
    expect(textOf({ aligned: 'a.tif' })).toContain('no item.json: nothing says when');
    expect(textOf({ aligned: 'a.tif', stac: 'item.json' })).not.toContain('no item.json');
    expect(textOf({})).not.toContain('no item.json');
  });

  it('vouches for the registered ground only', () => {
    expect(accuracyText(4.04, 1)).toBe('CE90 of the correction 4.0 m');
    expect(accuracyText(4, 0.62)).toContain('4.0 m on the registered ground only: 38 % of the file lies beyond it');
    expect(accuracyText(4, 0.999)).toContain('1 % of the file');
  });
});
