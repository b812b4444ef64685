/** Learning rates over a run. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateFactor, type Schedule, scheduleSchema } from '../../../../packages/core/src/training/matcher/schedule.ts';

const schedule = (settings: object): Schedule => scheduleSchema.parse(settings);
const moment = { totalSteps: 100, warmupSteps: 0 };

describe('rateFactor', () => {
  it('is 1 all along for a constant rate', () => {
    for (const step of [0, 50, 99]) expect(rateFactor(schedule({ kind: 'constant' }), { ...moment, step })).toBe(1);
  });

  it('rises in a line over the warm-up, to 1 at its last step', () => {
    const at = (step: number) => rateFactor(schedule({ kind: 'constant' }), { ...moment, warmupSteps: 4, step });
    expect([0, 1, 2, 3, 4].map(at)).toEqual([0.25, 0.5, 0.75, 1, 1]);
  });

  it('falls along half a cosine from 1 to the final factor', () => {
    const cosine = schedule({ kind: 'cosine', final: 0.1 });
    const at = (step: number) => rateFactor(cosine, { ...moment, warmupSteps: 20, step });
    expect(at(20)).toBe(1);
    expect(at(60)).toBeCloseTo(0.55, 12);
    expect(at(100)).toBeCloseTo(0.1, 12);
    expect(at(500)).toBeCloseTo(0.1, 12);
  });

  it('never leaves (0, 1] before the end', () => {
    const kinds = fc.constantFrom('constant', 'cosine').map((kind) => schedule({ kind }));
    fc.assert(
      fc.property(kinds, fc.nat(99), fc.nat(99), (kind, step, warmupSteps) => {
        const factor = rateFactor(kind, { ...moment, step, warmupSteps });
        return factor > 0 && factor <= 1;
      }),
    );
  });
});
