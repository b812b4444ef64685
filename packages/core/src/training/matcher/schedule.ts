/** The learning rate of each step: a base rate, a linear warm-up, and a factor that falls as the run goes on. */
import { z } from 'zod';

export const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  /** Half a cosine from 1 to `final` over the steps after the warm-up (Loshchilov and Hutter, SGDR, 2017). */
  z.strictObject({ kind: z.literal('cosine'), final: z.number().min(0).max(1).default(0.01) }),
  /** Times `factor` after every so many epochs. */
  z.strictObject({
    kind: z.literal('step'),
    every: z.int().positive().default(10),
    factor: z.number().gt(0).lt(1).default(0.1),
  }),
  /** Times `factor` when validation has not improved for `patience` epochs, not below `minimum`. */
  z.strictObject({
    kind: z.literal('plateau'),
    patience: z.int().positive().default(3),
    factor: z.number().gt(0).lt(1).default(0.5),
    minimum: z.number().gt(0).lt(1).default(0.01),
  }),
]);
export type Schedule = z.infer<typeof scheduleSchema>;

export interface Moment {
  /** From 0. */
  step: number;
  totalSteps: number;
  stepsPerEpoch: number;
  warmupSteps: number;
  /** Reached by the schedule `plateau`. */
  plateauFactor: number;
}

/** What the base rate is multiplied by at a step, in (0, 1]; 0 at the end of a cosine whose `final` is 0. */
export function rateFactor(schedule: Schedule, moment: Moment): number {
  const { step, totalSteps, warmupSteps } = moment;
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (schedule.kind === 'cosine') {
    const progress = Math.min((step - warmupSteps) / Math.max(totalSteps - warmupSteps, 1), 1);
    return schedule.final + (1 - schedule.final) * 0.5 * (1 + Math.cos(Math.PI * progress));
  }
  if (schedule.kind === 'step') return schedule.factor ** Math.floor(step / moment.stepsPerEpoch / schedule.every);
  return schedule.kind === 'plateau' ? moment.plateauFactor : 1;
}

interface Plateau {
  factor: number;
  /** Epochs without an improvement. */
  stale: number;
}

/** After a validation. */
export function nextPlateau(schedule: Schedule, { factor, stale }: Plateau, improved: boolean): Plateau {
  if (schedule.kind !== 'plateau' || improved) return { factor, stale: 0 };
  if (stale + 1 < schedule.patience) return { factor, stale: stale + 1 };
  return { factor: Math.max(factor * schedule.factor, schedule.minimum), stale: 0 };
}
