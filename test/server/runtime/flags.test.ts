/** Settings come from flags, then variables, then defaults; what is out of range is said by name. */

import { expect, it } from 'vitest';
import { UsageError } from '../../../packages/core/src/errors.ts';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import { settingsFrom } from '../../../packages/server/src/runtime/flags.ts';

it('has defaults for all', () => {
  expect(settingsFrom({}, {})).toEqual({
    ...{ model: 's1s2-10m', port: 8080, host: '127.0.0.1', backend: undefined, workers: 1, drainMs: 10_000 },
    limits: limitsFrom(),
  });
});

it('takes a flag before a variable, and passes over empty variables', () => {
  const variables = {
    DOPPEL_MODEL: 'b',
    DOPPEL_PORT: '1',
    DOPPEL_MAX_PAIRS: '5',
    DOPPEL_HOST: '',
    DOPPEL_TIMEOUT: '0.5',
  };
  const settings = settingsFrom({ port: 2 }, variables);
  expect(settings).toMatchObject({ model: 'b', port: 2, host: '127.0.0.1', limits: { maxPairs: 5, timeoutMs: 500 } });
});

it.each<[Parameters<typeof settingsFrom>[0], RegExp]>([
  [{ model: '' }, /--model \(or DOPPEL_MODEL\)/],
  [{ model: 'a', port: 'http' }, /--port.*"http"/],
  [{ model: 'a', port: '' }, /--port/],
  [{ model: 'a', port: '70000' }, /from 0 to 65535.*"70000"/],
  [{ model: 'a', port: 70_000 }, /from 0 to 65535.*"70000"/],
  [{ model: 'a', drain: 'x' }, /--drain.*a number from 0/],
  [{ model: 'a', workers: '0' }, /--workers/],
  [{ model: 'a', maxPairs: '1.5' }, /whole number/],
  [{ model: 'a', backend: 'tpu' }, /cuda, native, wasm, cpu.*"tpu".*doppel doctor/],
  [{ model: 'a', maxPairs: '100', maxQueue: '50' }, /queue of 50/],
])('refuses %o', (flags, message) => {
  expect(() => settingsFrom(flags, {})).toThrow(UsageError);
  expect(() => settingsFrom(flags, {})).toThrow(message);
});
