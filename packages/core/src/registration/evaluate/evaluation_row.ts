/** Rows of the evaluation: one a registration, as lines of JSON, so that a stopped evaluation goes on where it was. */
import { z } from 'zod';

const pixel = z.tuple([z.number(), z.number()]);

export const evaluationRow = z.object({
  /** Task, scene, method and draw: a row that is there is not computed again. */
  key: z.string(),
  task: z.string(),
  scene: z.string(),
  method: z.string(),
  draw: z.int(),
  status: z.enum(['trusted', 'refused', 'failed']),
  reason: z.string().optional(),
  model: z.string().optional(),
  /** Corners of the optical file in pixels of the SAR file, as found, by the raw truth, and by the repaired one. */
  corners: z.array(pixel).optional(),
  raw: z.array(pixel).optional(),
  repaired: z.array(pixel).optional(),
  /** Corners by the best shift alone, whatever model the registration chose. */
  shift: z.array(pixel).optional(),
  /** Ground of the corners by the optical file's own georeference: scenes side by side share some. */
  ground: z.array(pixel).optional(),
  /** Held-out points, those near the model, and those of them within their 90 % ellipse. */
  heldOut: z.tuple([z.int(), z.int(), z.int()]).optional(),
  used: z.int().optional(),
  /** Figures of the tests before the verdict. */
  tests: z.record(z.string(), z.number().nullable()).optional(),
  seconds: z.number(),
});
export type EvaluationRow = z.output<typeof evaluationRow>;

/** Largest distance at the corners, in pixels; undefined where nothing was found or the truth is unknown. */
export function cornerError({ corners }: EvaluationRow, truth: EvaluationRow['raw']): number | undefined {
  if (!corners || !truth) return undefined;
  return Math.max(...corners.map(([x, y], i) => Math.hypot(x - truth[i]![0], y - truth[i]![1])));
}
