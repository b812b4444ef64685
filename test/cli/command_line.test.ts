import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readCommandLine } from '../../packages/cli/src/command_line.ts';
import { choice, text, whole, yes } from '../../packages/cli/src/flags.ts';
import { UsageError } from '../../packages/core/src/errors.ts';

const words = { dataset: text('folder', 'Data set').optional() };
const flags = {
  maxSteps: whole(1, 'Steps').optional(),
  out: text('folder', 'Folder').default('runs'),
  preset: choice(['paper', 'paper-bn'], 'Network').default('paper'),
  strengths: z.array(z.number()).optional(),
  minScore: z.number().optional(),
  models: z.array(z.string().min(1)).optional().meta({ isRepeated: true }),
  json: yes('JSON'),
};
const read = (...args: string[]) => readCommandLine('doppel train', { words, flags }, args);

describe('readCommandLine', () => {
  it('gives typed values and defaults', () => {
    expect(read('data/a', '--max-steps', '3', '--strengths=0.5,1', '--json')).toEqual({
      dataset: 'data/a',
      ...{ maxSteps: 3, out: 'runs', preset: 'paper', strengths: [0.5, 1], minScore: undefined, json: true },
    });
  });

  it.each([
    ['--models a=b,c --models d', { models: ['a=b,c', 'd'] }],
    ['--max-steps=3', { maxSteps: 3 }],
    ['--maxSteps 3', { maxSteps: 3 }],
    ['--min-score -0.5', { minScore: -0.5 }],
    ['--out=--json', { out: '--json', json: false }],
    ['--no-json', { json: false }],
    ['--json=false', { json: false }],
    ['-- --json', { dataset: '--json', json: false }],
  ])('reads %s', (line, values) => {
    expect(read(...line.split(' '))).toMatchObject(values);
  });

  it.each([
    ['--max-step 3', /found --max-step\. Did you mean --max-steps\? See `doppel train --help`/],
    ['--zebra', /expected one of the flags --max-steps --out .*found --zebra/],
    ['-json', /found -json\. Did you mean --json/],
    ['--out', /expected a value after --out, found none/],
    ['--out --json', /a value after --out, found the flag --json\. Write --out=--json/],
    ['--out --zebra', /a value after --out, found the flag --zebra/],
    ['--no-out', /found --no-out\. See/],
    ['--out a --out b', /expected --out once, found it twice/],
    ['--max-steps 1 --maxSteps 2', /--max-steps once, found it twice/],
    ['--json --no-json', /--json once/],
    ['a b', /expected only DATASET beside the flags, found "b"/],
    ['--max-steps many', /^Cannot use --max-steps: expected a whole number, at least 1, found "many"/],
    ['--max-steps 0', /at least 1, found "0"/],
    ['--max-steps 1.5', /found "1.5"/],
    ['--max-steps=', /found ""/],
    ['--out=', /--out: expected a value for <folder>, found ""/],
    ['--preset paper-nb', /--preset: expected one of paper, paper-bn, found "paper-nb"/],
    ['--strengths 1,far', /--strengths: expected values separated by commas, each a number, found "1,far"/],
    ['--json=maybe', /--json: expected no value/],
  ])('refuses %s', (line, message) => {
    expect(() => read(...line.split(' '))).toThrow(UsageError);
    expect(() => read(...line.split(' '))).toThrow(message);
  });

  it('names a missing flag or word', () => {
    const needy = (...args: string[]) =>
      readCommandLine('doppel x', { words: { folder: text('folder', '') }, flags: { model: text('file', '') } }, args);
    expect(() => needy()).toThrow(/^Cannot run `doppel x`: expected FOLDER, found none\. See/);
    expect(() => needy('a')).toThrow(/expected --model <file>, found none/);
    expect(() => readCommandLine('doppel x', { words: {}, flags: {} }, ['a'])).toThrow(/flags only, found "a"/);
  });
});
