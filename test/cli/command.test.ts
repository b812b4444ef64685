import { describe, expect, it } from 'vitest';
import { describeError } from '../../packages/cli/src/command.ts';
import { duration } from '../../packages/cli/src/progress.ts';
import { FileError, UsageError } from '../../packages/core/src/errors.ts';

describe('describeError', () => {
  it('gives usage errors exit code 2, the rest 1, and no stack trace', () => {
    expect(describeError(new UsageError({ action: 'use --x', found: 'y' }), false)).toEqual({
      text: 'error: Cannot use --x: found y.',
      exitCode: 2,
    });
    expect(describeError(new FileError({ action: 'read', file: 'f', remedy: 'Look.' }), false)).toEqual({
      text: 'error: Cannot read f. Look.',
      exitCode: 1,
    });
  });

  it('shows the stack with --debug, and its cause', () => {
    const { text } = describeError(new FileError({ action: 'read', file: 'f', cause: new Error('deep') }), true);
    expect(text).toMatch(/at .*command\.test\.ts/);
    expect(text).toMatch(/caused by: Error: deep/);
  });

  it('marks an unexpected error', () => {
    expect(describeError(new TypeError('x is not a function'), false).text).toMatch(/unexpected.*--debug/);
  });
});

it('durations read well', () => {
  expect([5, 75, 3700, -1].map(duration)).toEqual(['5s', '1m 15s', '1h 1m', '0s']);
});
