/** Settings of the loss of pairs, and of negatives that are hard: margins, batches of look-alikes, a memory. */
import { z } from 'zod';

export const lossSchema = z.strictObject({
  /** Weight of the softmax over all negatives of a batch. */
  softmax: z.number().positive().default(1),
  /** Weight of cross-entropy beside it. */
  crossEntropy: z.number().nonnegative().default(0.5),
  /** Scale of scores in the softmax, from which it is learned. */
  scale: z.number().positive().default(1),
  /** Share of a batch's negatives, the hardest, that the softmax leaves out: some may be true pairs. */
  ring: z.number().min(0).max(0.5).default(0),
});
export type LossSettings = z.infer<typeof lossSchema>;

export const marginSchema = z
  .strictObject({
    /** Distance of scores for a patch that was changed throughout. */
    size: z.number().positive().default(2),
    /** Weight of the margins in the loss. */
    weight: z.number().positive().default(0.5),
    /** Share of the patch below which a change asks for no margin. */
    from: z.number().min(0).max(1).default(0.05),
    /** Share from which the margin is whole. */
    full: z.number().min(0).max(1).default(0.3),
  })
  .refine(({ from, full }) => from < full, { path: ['full'], message: 'must be above "from"' });
export type MarginSettings = z.infer<typeof marginSchema>;

export const alikeSchema = z
  .strictObject({
    /** Share of a batch's anchors that go together. */
    share: z.number().min(0).max(1).default(0.5),
    /** Anchors that go together: those of one place, or those whose SAR patches have like features or codes. */
    by: z.enum(['place', 'features', 'code']).default('features'),
    /** Generator whose codes are compared: one of the box, or the file of a checkpoint. */
    generator: z.string().min(1).optional(),
  })
  .refine(({ by, generator }) => (by === 'code') === (generator !== undefined), {
    path: ['generator'],
    message: 'is needed with "by: code", and is for it only',
  });
export type AlikeSettings = z.infer<typeof alikeSchema>;

export const memorySchema = z.strictObject({
  /** SAR patches in the memory. */
  size: z.int().positive().default(512),
  /** Patches of it that each batch meets. */
  draw: z.int().positive().default(32),
});
export type MemorySettings = z.infer<typeof memorySchema>;

/** Settings in which the arms of an experiment may differ beside their negatives; keys as in docs/training.md. */
export const armTrainingSchema = z.strictObject({
  loss: lossSchema.optional(),
  statistics: z.enum(['batch', 'frozen']).optional(),
  batch: z.strictObject({ alike: alikeSchema }).optional(),
  negatives: z
    .strictObject({
      margin: marginSchema,
      ceiling: z.number().min(0).max(1),
      counted: z.boolean(),
      memory: memorySchema,
    })
    .partial()
    .optional(),
});
