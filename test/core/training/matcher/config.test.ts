/** The configuration of a run: defaults by preset, precedence, and messages that name the key. */

import { describe, expect, it } from 'vitest';
import type { PartialConfig } from '../../../../packages/core/src/runs/settings.ts';
import { minedShare, resolveConfig, totalSteps } from '../../../../packages/core/src/training/matcher/config.ts';

const FACTS = { data: 'data/pairs', side: 64, positives: 1000 };
const resolve = (...given: PartialConfig[]) => resolveConfig(given, FACTS, 'run.yaml');

describe('resolveConfig', () => {
  it('is the published recipe for `paper`', () => {
    expect(resolve({ preset: 'paper' })).toMatchObject({
      ...{ preset: 'paper', epochs: 30, l2: 1e-3, batch: { positives: 32, negatives: 32 } },
      optimiser: { learningRate: 9e-4, beta1: 0.9, beta2: 0.999 },
      schedule: { kind: 'constant' },
    });
  });

  it('takes paper-bn, the side of the data and an epoch of all pairs where nothing is said', () => {
    expect(resolve()).toMatchObject({
      ...{ preset: 'paper-bn', side: 64, data: 'data/pairs', stepsPerEpoch: 31, l2: 1e-5 },
      optimiser: { learningRate: 1e-3 },
    });
  });

  it('lets the later settings win, key by key', () => {
    const yaml = { optimiser: { learningRate: 0.1, beta1: 0.5 }, epochs: 3, negatives: { mined: [0, 0.5] } };
    const flags = { optimiser: { learningRate: 0.2 }, epochs: undefined, negatives: { mined: [1] } };
    const config = resolve(yaml, flags);
    expect(config.optimiser).toMatchObject({ learningRate: 0.2, beta1: 0.5, beta2: 0.999 });
    expect(config.epochs).toBe(3);
    expect(config.negatives.mined).toEqual([1]);
  });

  it('replaces a schedule by one of another kind, and amends one of the same', () => {
    const cosine = { schedule: { kind: 'cosine', final: 0.5 } };
    expect(resolve(cosine, { schedule: { kind: 'constant' } }).schedule).toEqual({ kind: 'constant' });
    expect(resolve(cosine, { schedule: { final: 0.1 } }).schedule).toEqual({ kind: 'cosine', final: 0.1 });
  });

  it.each([
    [{ learningrate: 1 }, /run\.yaml.*unknown "learningrate"/],
    [{ optimiser: { momentum: 1 } }, /settings under "optimiser".*unknown "optimiser\.momentum"/],
    [{ epochs: 0 }, /"epochs"/],
    [{ epochs: 'many' }, /"epochs"/],
    [{ side: 60 }, /"side"/],
    [{ preset: 'resnet' }, /"preset"/],
    [{ batch: { positives: 0 } }, /"batch\.positives"/],
    [{ negatives: { mined: [0.5, 2] } }, /"negatives\.mined/],
    [{ schedule: { kind: 'linear' } }, /"schedule/],
    [{ optimiser: 7 }, /"optimiser"/],
  ])('refuses %j by name', (settings, message) => {
    expect(() => resolve(settings)).toThrow(message);
    expect(() => resolve(settings)).toThrow(expect.objectContaining({ tag: 'usage' }));
  });

  it.each([
    [{ schedule: { kind: 'plateau', patience: 3 } }, /"schedule\.kind" with "plateau", which was removed.*`cosine`/],
    [{ schedule: { kind: 'step' } }, /"schedule\.kind" with "step", which was removed/],
    [{ negatives: { separateStatistics: true } }, /"negatives\.separateStatistics" with true, which was removed/],
  ])('says that %j was removed', (settings, message) => {
    expect(() => resolve(settings)).toThrow(message);
    expect(() => resolve(settings)).toThrow(expect.objectContaining({ tag: 'usage' }));
  });

  it('reads the resolved configuration of an older version', () => {
    const older = { negatives: { separateStatistics: false, mined: 0.3 } };
    expect(resolve(older)).toEqual(resolve({ negatives: { mined: 0.3 } }));
  });
});

describe('minedShare', () => {
  it('is one share for all epochs, or one an epoch', () => {
    expect(minedShare(resolve({ negatives: { mined: 0.3 } }), 7, true)).toBe(0.3);
    const byEpoch = resolve({ negatives: { mined: [0, 0.25, 0.5] } });
    expect([0, 1, 2, 3, 9].map((epoch) => minedShare(byEpoch, epoch, true))).toEqual([0, 0.25, 0.5, 0.5, 0.5]);
  });

  it('is nothing without mined negatives', () => {
    expect(minedShare(resolve(), 0, false)).toBe(0);
  });
});

it('totalSteps ends at maxSteps', () => {
  expect(totalSteps(resolve({ epochs: 3, stepsPerEpoch: 10 }))).toBe(30);
  expect(totalSteps(resolve({ epochs: 3, stepsPerEpoch: 10, maxSteps: 12 }))).toBe(12);
});
