/**
 * Where a run stands, in numbers: together with weights, moments and the configuration it decides everything that
 * follows. Samples, augmentation and dropout are not here, for they follow from the seed and the step.
 */
import { z } from 'zod';

const fields = z.strictObject({
  /** Training steps done. */
  step: z.int().nonnegative(),
  /** Epochs done, each with its validation. */
  epoch: z.int().nonnegative(),
  /** Steps of the present epoch, and sums over them. */
  underway: z.strictObject({
    steps: z.int().nonnegative(),
    loss: z.number(),
    gradientNorm: z.number(),
  }),
  /** Best epoch so far; 0 before the first. */
  best: z.strictObject({ epoch: z.int().nonnegative(), value: z.number().nullable() }),
  /** Epochs since the best. */
  stale: z.int().nonnegative(),
  /** Logarithm of the scale of a loss that learns it, and Adam's moments of that. */
  scale: z.strictObject({ log: z.number(), first: z.number(), second: z.number() }).optional(),
  /** Reason why the run ended; null while it continues. */
  finished: z.enum(['all epochs', 'early stopping']).nullable(),
});
export type RunState = z.infer<typeof fields>;

/** Reads the states of older runs, too, which also counted for a schedule that is no more. */
export const runStateSchema = z
  .looseObject({})
  .transform(({ plateau: _, ...state }) => state)
  .pipe(fields);

export function initialState(): RunState {
  return {
    step: 0,
    epoch: 0,
    underway: { steps: 0, loss: 0, gradientNorm: 0 },
    best: { epoch: 0, value: null },
    stale: 0,
    finished: null,
  };
}
