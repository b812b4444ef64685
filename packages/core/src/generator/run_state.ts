/**
 * State of a generator's run in numbers: together with weights, moments and the configuration it decides everything
 * that follows. The stage of growth, batches, augmentation and noise are not here, for they follow from the step.
 */
import { z } from 'zod';

/** Report of what a finished stage of growth has changed. */
export const stageReportSchema = z.strictObject({
  /** Patch side length of the stage, in pixels. */
  side: z.int(),
  steps: z.int(),
  images: z.int(),
  /** ‖w − w₀‖ / ‖w₀‖ of each network's weights in use, w₀ at the stage's start; absent where the start is not known. */
  moved: z.record(z.string(), z.number()).optional(),
  /**
   * KL divergence from the prior over probe patches: ½(mu² + σ² − 1 − ln σ²) by dimension, in nats; none without a
   * posterior.
   */
  kl: z.array(z.number()).optional(),
  /** Dimensions with less than 0.01 nats. */
  collapsed: z.int().optional(),
  /** Root mean square of x − G(E(x)) over probe patches, by the averaged decoder. */
  reconstructionError: z.number(),
});
export type StageReport = z.infer<typeof stageReportSchema>;

export const generatorRunStateSchema = z.strictObject({
  /** Training steps done, over all stages. */
  step: z.int().nonnegative(),
  /** Steps since the last row of metrics, and the sums of their loss terms. */
  underway: z.strictObject({ steps: z.int().nonnegative(), sums: z.record(z.string(), z.number()) }),
  /** Reports of the stages that are done. */
  stages: z.array(stageReportSchema),
});
export type GeneratorRunState = z.infer<typeof generatorRunStateSchema>;

export const initialGeneratorState = (): GeneratorRunState => ({
  step: 0,
  underway: { steps: 0, sums: {} },
  stages: [],
});
