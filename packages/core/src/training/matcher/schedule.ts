/** Learning rate of each step: the base rate, a linear warm-up, and a factor that falls over the run. */
import { z } from 'zod';

export const scheduleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant') }),
  /** Half a cosine from 1 to `final` over the steps after the warm-up (Loshchilov and Hutter, SGDR, 2017). */
  z.strictObject({ kind: z.literal('cosine'), final: z.number().min(0).max(1).default(0.01) }),
]);
export type Schedule = z.infer<typeof scheduleSchema>;

export interface Moment {
  /** Training step, from 0. */
  step: number;
  totalSteps: number;
  warmupSteps: number;
}

/** Factor on the base rate at a step, in (0, 1]; 0 at the end of a cosine whose `final` is 0. */
export function rateFactor(schedule: Schedule, { step, totalSteps, warmupSteps }: Moment): number {
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (schedule.kind === 'constant') return 1;
  const progress = Math.min((step - warmupSteps) / Math.max(totalSteps - warmupSteps, 1), 1);
  return schedule.final + (1 - schedule.final) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
