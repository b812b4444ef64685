/** Settings come from flags, then variables, then defaults; what is out of range is said by name. */

import { expect, it } from 'vitest';
import { UsageError } from '../../../packages/core/src/errors.ts';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import { settingsFrom, signatureOf } from '../../../packages/server/src/runtime/flags.ts';

it('has defaults for all', () => {
  expect(settingsFrom({}, {})).toEqual({
    models: [{ name: 's1s2-10m', file: 's1s2-10m' }],
    galleries: [],
    ...{ port: 8080, host: '127.0.0.1', backend: undefined, workers: 1, drainMs: 10_000 },
    ...{ keys: undefined, insecure: false, cors: [] },
    limits: limitsFrom(),
    data: undefined,
    jobLimits: {
      ...{ atATime: 1, maxJobs: 100, maxUploadBytes: 2 ** 30, maxDataBytes: 20 * 2 ** 30 },
      ...{ keepMs: 72 * 3_600_000, timeoutMs: 30_000 },
    },
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
  expect(settings).toMatchObject({
    models: [{ name: 'b' }],
    port: 2,
    host: '127.0.0.1',
    limits: { maxPairs: 5, timeoutMs: 500 },
  });
});

it.each<[Parameters<typeof settingsFrom>[0], RegExp]>([
  [{ model: '' }, /--model \(or DOPPEL_MODEL\)/],
  [{ model: 'a=' }, /a model after the name/],
  [{ model: ['a', 'x/a.safetensors'] }, /each name once.*"a" twice/],
  [{ model: 'pair=a' }, /other than pair, tower/],
  [{ model: 'x-tower=a' }, /other than pair, tower/],
  [{ model: 'a b=c' }, /a name of letters/],
  [{ gallery: ['a', 'x/a/'] }, /--gallery: expected each name once.*NAME=FOLDER/],
  [{ gallery: 'g=' }, /a folder after the name/],
  [{ host: '0.0.0.0' }, /--keys FILE.*doppel serve keys add.*--insecure/],
  [{ host: '::' }, /--keys FILE/],
  [{ host: '128.0.0.1' }, /--keys FILE/],
  [{ host: 'localhost.example' }, /--keys FILE/],
  [{ keys: 'k', insecure: true }, /either --keys or --insecure/],
  [{ insecure: 'perhaps' }, /true or false.*perhaps/],
  [{ cors: 'a.example' }, /--cors/],
  [{ cors: ['https://a.example/path'] }, /--cors/],
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

it('names models by their names, by the box or by their files', () => {
  const given = [
    's1s2-10m',
    'runs/x=1/best.safetensors',
    'old=runs/old/best.safetensors',
    'C:\\m\\my model.safetensors',
  ];
  const expected = [
    { name: 's1s2-10m', file: 's1s2-10m' },
    { name: 'best', file: 'runs/x=1/best.safetensors' },
    { name: 'old', file: 'runs/old/best.safetensors' },
    { name: 'my-model', file: 'C:\\m\\my model.safetensors' },
  ];
  expect(settingsFrom({ model: given }, {}).models).toEqual(expected);
  expect(settingsFrom({}, { DOPPEL_MODEL: 'a=x.safetensors,b=y.safetensors' }).models).toEqual([
    { name: 'a', file: 'x.safetensors' },
    { name: 'b', file: 'y.safetensors' },
  ]);
});

it('serves other addresses with keys, or where it may do without', () => {
  expect(settingsFrom({ host: '0.0.0.0', keys: 'keys.json' }, {})).toMatchObject({
    keys: 'keys.json',
    insecure: false,
  });
  expect(settingsFrom({ host: '0.0.0.0' }, { DOPPEL_INSECURE: '1' })).toMatchObject({ insecure: true });
  for (const host of ['localhost', '::1', '127.0.0.1', '127.1.2.3']) settingsFrom({ host }, {});
  expect(settingsFrom({}, { DOPPEL_CORS: 'https://a.example,http://localhost:3000' }).cors).toHaveLength(2);
});

it('shows a switch without a value', () => {
  expect(signatureOf('insecure')).toBe('--insecure');
  expect(signatureOf('maxPairs')).toBe('--max-pairs <number>');
});
