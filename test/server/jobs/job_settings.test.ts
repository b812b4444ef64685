/** Settings of a job: those of the command, and what is written. */
import { expect, it } from 'vitest';
import { checkedSettings, choicesOf } from '../../../packages/server/src/jobs/job_settings.ts';
import { ProblemError } from '../../../packages/server/src/problem.ts';

it('choose what is written as the command does', () => {
  const { settings, outputs, asNamed } = choicesOf({ sarUnit: 'dB' });
  expect(settings).toMatchObject({ features: 'both', sarUnit: 'dB' });
  expect(settings).not.toHaveProperty('align');
  expect(asNamed).toBe(false);
  const rest = { lattice: 'snapped', geotransformOnly: false, sar: { unit: 'dB' } };
  expect(outputs).toEqual({ align: 'optical', resampling: 'bicubic', ...rest });

  const given = { align: 'sar', resampling: 'nearest', datetime: '2020-11-04T10:12:00Z', asNamed: true };
  expect(choicesOf(given)).toMatchObject({
    ...{ asNamed: true, outputs: { align: 'sar', resampling: 'nearest', datetime: given.datetime } },
  });
  expect(choicesOf({ align: 'none' }).outputs).toMatchObject({ alignedScene: false });
  expect(choicesOf({ align: 'none' }).outputs).not.toHaveProperty('align');
});

it('are kept as they were given, or refused with all names that there are', () => {
  const given = { radius: '600m', align: 'none' };
  expect(checkedSettings(given)).toEqual(given);
  for (const wrong of [{ datetime: 'yesterday' }, { align: 'both' }, { out: '/etc' }, [], null]) {
    expect(() => checkedSettings(wrong)).toThrow(ProblemError);
    expect(() => checkedSettings(wrong)).toThrow(/radius, .*align, .*asNamed/);
  }
});
