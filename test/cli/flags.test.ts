import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  above0,
  choice,
  flagInfo,
  flagsOf,
  kebab,
  number,
  settingsOf,
  text,
  whole,
  yes,
} from '../../packages/cli/src/flags.ts';
import { UsageError } from '../../packages/core/src/errors.ts';

describe('flagInfo', () => {
  it.each([
    [
      'maxSteps',
      whole(1, 'd').optional(),
      { spelling: '--max-steps', hint: 'n', expected: 'a whole number, at least 1' },
    ],
    ['k', whole(2, 'd').max(9).default(3), { default: 3, expected: 'a whole number, at least 2, at most 9' }],
    ['x', number('d', 0, 1), { hint: 'x', expected: 'a number, at least 0, at most 1', isRequired: true }],
    ['x', number('d').default(2), { expected: 'a number', isRequired: false }],
    ['x', above0('d'), { expected: 'a number, above 0' }],
    ['split', choice(['a', 'b'], 'd').default('a'), { hint: 'a|b', expected: 'one of a, b', default: 'a' }],
    ['force', yes('d'), { isBoolean: true, isRequired: false }],
    ['out', text('folder', 'd'), { hint: 'folder', isRequired: true, description: 'd' }],
    ['file', text('file', 'd').nullable().default(null), { hint: 'file', default: undefined, isRequired: false }],
    ['steps', z.array(z.number().positive()).default([0.5, 1]).describe('d'), { hint: 'x,…', default: [0.5, 1] }],
  ] as const)('describes %s', (name, schema, info) => {
    expect(flagInfo(name, schema)).toMatchObject({ description: 'd', ...info });
  });

  it('finds the description in a schema that is wrapped after it', () => {
    expect(flagInfo('k', z.int().describe('Negatives').default(1).optional()).description).toBe('Negatives');
  });

  it.each([
    [whole(0, ''), '3', 3],
    [whole(0, ''), '', Number.NaN],
    [z.int().nullable(), '3', 3],
    [z.array(z.number()), '0.5, 1', [0.5, 1]],
    [z.array(z.number()), '', []],
    [z.array(z.string()), 'a,b', ['a', 'b']],
    [yes(''), 'false', false],
    [text('', ''), ' 3', ' 3'],
  ] as const)('reads a text as the schema needs it', (schema, given, value) => {
    expect(flagInfo('flag', schema).read(given)).toEqual(value);
  });
});

describe('settings as flags', () => {
  const settings = z
    .strictObject({
      k: z.int().min(1).default(1).describe('Negatives for each anchor'),
      rankMin: z.int().min(0).default(0).describe('Skip the N hardest'),
      rankMax: z.int().min(1).optional().describe('Choose among the N hardest'),
    })
    .refine(({ rankMin, rankMax = Infinity }) => rankMin < rankMax, {
      path: ['rankMax'],
      message: 'must exceed rankMin',
    });

  it('are the shape of a zod object, refined or not', () => {
    expect(Object.keys(flagsOf(settings)).map(kebab)).toEqual(['k', 'rank-min', 'rank-max']);
    expect(() => flagsOf(z.string())).toThrow(/zod object/);
  });

  it('come back from a command’s values, whose other flags they ignore', () => {
    expect(settingsOf(settings, { k: 2, rankMin: 0, json: true }, 'mine')).toEqual({ k: 2, rankMin: 0 });
  });

  it('are refused as a matter of usage where they do not fit together', () => {
    const refused = () => settingsOf(settings, { k: 1, rankMin: 5, rankMax: 2 }, 'mine');
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(/^Cannot mine: .*--rank-max: must exceed rankMin/);
  });
});
