/** The hash beside a first stage: under which settings it is resumed, and what is made of those that have none. */
import { expect, it } from 'vitest';
import { UsageError } from '../../packages/core/src/errors.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { type BaseTask, claimBase } from '../../packages/experiment/src/base_settings.ts';
import { normalisation } from '../core/mining/fake_generator.ts';

const group = { matcher: 'paper-bn', budget: 0.1, seed: 11 };
const NOTE = 'out/base/paper-bn-10-11.json';
const length = { epochs: 1, stepsPerEpoch: 5 };
const config: BaseTask['config'] = { base: length, tune: length, byBudget: {}, alignment: 'raw' };
const splitsOf = (train: string[]): BaseTask['dataset']['splits'] => ({
  ...{ doppel: 'splits', version: 1, fingerprint: 's' },
  splits: { train, validation: ['b'], test: ['c'], unused: [] },
});
const dataset: BaseTask['dataset'] = { fingerprint: 'f', splits: splitsOf(['a']) };
const taskOf = (store: MemoryStore, change: Partial<BaseTask> = {}): BaseTask => ({
  ...{ store, out: 'out', config, dataset, normalisation },
  ...change,
});
const FRESH = { hasBegun: false, hasCells: false };
const BEGUN = { hasBegun: true, hasCells: false };

it('a first stage that has begun goes on under its own settings only', async () => {
  const store = new MemoryStore();
  await claimBase(group, FRESH, taskOf(store));
  const note = await store.read(NOTE);
  await claimBase(group, BEGUN, taskOf(store, { config: { ...config, tune: { ...length, epochs: 9 } } }));
  const others: Partial<BaseTask>[] = [
    { config: { ...config, base: { ...length, epochs: 2 } } },
    { config: { ...config, byBudget: { '0.1': { base: { epochs: 2 } } } } },
    { config: { ...config, alignment: 'repaired' } },
    { normalisation: { ...normalisation, sar: { ...normalisation.sar, clip: null } } },
    { dataset: { ...dataset, fingerprint: 'g' } },
    { dataset: { ...dataset, splits: splitsOf(['d']) } },
  ];
  for (const other of others) {
    for (const hasCells of [false, true]) {
      const claimed = claimBase(group, { hasBegun: true, hasCells }, taskOf(store, other));
      await expect(claimed, JSON.stringify(other)).rejects.toThrow(
        /paper-bn-10-11.*found one of other settings.*remove/,
      );
    }
  }
  expect(await store.read(NOTE)).toBe(note);
  // What was removed begins again under others.
  await claimBase(group, FRESH, taskOf(store, others[0]));
  await expect(claimBase(group, BEGUN, taskOf(store))).rejects.toThrow(UsageError);
});

it('one of an older version, without a note, is taken where cells of its group tell its settings', async () => {
  const store = new MemoryStore();
  await expect(claimBase(group, BEGUN, taskOf(store))).rejects.toThrow(/older version, with no cell.*remove/);
  expect(await store.stat(NOTE)).toBeUndefined();
  await claimBase(group, { hasBegun: true, hasCells: true }, taskOf(store));
  await claimBase(group, BEGUN, taskOf(store));
  await store.write(NOTE, '{"doppel":');
  await expect(claimBase(group, { hasBegun: true, hasCells: true }, taskOf(store))).rejects.toThrow(/other settings/);
});
