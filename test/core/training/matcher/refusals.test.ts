import { describe, expect, it } from 'vitest';
import { placeGuard } from '../../../../packages/core/src/dataset/place_guard.ts';
import { CheckpointError, SplitError } from '../../../../packages/core/src/errors.ts';
import { refuseOtherInputs } from '../../../../packages/core/src/training/matcher/refusals.ts';
import { drawValidationPairs } from '../../../../packages/core/src/training/matcher/validation.ts';

type Arguments = Parameters<typeof refuseOtherInputs>;

/** Resumes a run that began with one fingerprint in a data set of another. */
function resume(began: string, now: string): void {
  const inputs = { from: null, negatives: null };
  const last = { trainedOn: { folder: 'd', dataFingerprint: began }, inputs } as unknown as Arguments[0];
  const present = { trainedOn: { folder: 'd', dataFingerprint: now }, inputs } as unknown as Arguments[1];
  refuseOtherInputs(last, present, { run: 'r', dataset: { folder: 'd', fingerprint: now } } as unknown as Arguments[2]);
}

const [LIST, OTHER] = ['1'.repeat(64), '2'.repeat(64)];
const whole = (images: string, list = LIST) => `v2:${images.repeat(64)}:${list}`;

describe('resuming a run', () => {
  it('goes on with the same data, also where the checkpoint is of an older version', () => {
    resume(whole('a'), whole('a'));
    resume(LIST, whole('a'));
  });

  it.each([
    ['other images', whole('a'), whole('b'), /the same list of pairs, but images that have changed/],
    ['other pairs', whole('a'), whole('b', OTHER), /other pairs/],
    ['other pairs, of an older version', LIST, whole('b', OTHER), /other pairs/],
  ])('is refused with %s', (_, began, now, message) => {
    expect(() => resume(began, now)).toThrow(CheckpointError);
    expect(() => resume(began, now)).toThrow(message);
  });
});

it('a validation split of one place is refused before training', () => {
  const records = [0, 1, 2].map((i) => ({
    ...{ id: `${i}`, sar: `s${i}`, optical: `o${i}`, group: 'one', label: 1 as const, provenance: 'real' as const },
  }));
  const draw = () =>
    drawValidationPairs({ records, indices: [0, 1, 2], guard: placeGuard(records), positives: 3, seed: 1 });
  expect(draw).toThrow(SplitError);
  expect(draw).toThrow(/3 pair\(s\) that may all show the same place.*data split/);
});
