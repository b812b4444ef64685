/** A comparison of arms that is fixed before any test figure is seen. */
import { z } from 'zod';
import { EXPERIMENT_METRICS } from './arm_sample.ts';

export const contrastSchema = z.strictObject({
  arm: z.string(),
  /** Arms that it is compared with; of several with the best of them on this set, which favours them. */
  against: z.array(z.string()).min(1),
  /** Test set. */
  set: z.string(),
  metric: z.enum(EXPERIMENT_METRICS),
  /** Differences up to which both count as equal; default: the question is whether they differ. */
  equivalence: z.number().positive().optional(),
  /** Standard deviation of the difference from seed to seed that is reckoned with, for the power that is stated. */
  deviation: z.number().positive().optional(),
});
export type Contrast = z.infer<typeof contrastSchema>;
