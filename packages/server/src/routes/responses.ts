/** The schemas of what the server answers, for the OpenAPI document and for clients in TypeScript. */
import { z } from '@hono/zod-openapi';

export const problemSchema = z
  .looseObject({
    type: z.string().openapi({ example: 'urn:doppel:problem:unusable-image' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What went wrong in this case, and the way out' }),
    expected: z.string().optional(),
    found: z.string().optional(),
    remedy: z.string().optional(),
    requestId: z.string().optional(),
  })
  .openapi('Problem', { description: 'A problem document (RFC 9457)' });

const score = {
  score: z.number().openapi({ description: 'Logit of a match minus logit of none, uncalibrated' }),
  probability: z.number().min(0).max(1).openapi({ description: 'Calibrated probability of a match' }),
  match: z.boolean().openapi({ description: 'Whether the probability is at least the threshold' }),
  threshold: z.number().openapi({ description: 'A probability, chosen on the validation split' }),
};

const scoredSchema = z.object({ id: z.string(), ...score }).openapi('Scored');
const failedSchema = z.object({ id: z.string(), error: problemSchema }).openapi('Failed');

const resultsSchema = z.array(z.union([scoredSchema, failedSchema]));

export const matchSchema = z
  .object({
    results: resultsSchema.openapi({ description: 'One for each pair, in the order of the request' }),
    backend: z.string().openapi({ description: 'The backend that computed the scores', example: 'wasm' }),
    model: z.string().openapi({ description: 'Name of the checkpoint', example: 'best.safetensors' }),
    modelFingerprint: z.string().openapi({ description: 'SHA-256 of the checkpoint as hex' }),
    ...z.object(score).partial().shape,
  })
  .openapi('Match', {
    description:
      'At least one pair has a score. Of a request for one pair, score, probability, match and threshold are at the top ' +
      'level too, as `doppel score --json` prints them.',
  });
export type MatchAnswer = z.infer<typeof matchSchema>;

/** Of a request of which no pair could be scored. */
export const failedMatchSchema = problemSchema
  .extend({ results: z.array(failedSchema).optional() })
  .openapi('FailedMatch', { description: 'A problem of the request, or of each of its pairs' });

export const modelSchema = z
  .object({
    model: z.string().openapi({ description: 'Name of the checkpoint' }),
    fingerprint: z.string().openapi({ description: 'SHA-256 of the checkpoint as hex' }),
    preset: z.string().openapi({ example: 'paper-bn' }),
    side: z.int().openapi({ description: 'Height and width of a patch, in pixels' }),
    channels: z.object({ sar: z.int(), optical: z.int() }).openapi({ description: 'Bands that the network sees' }),
    threshold: z.number(),
    temperature: z.number(),
    isCalibrated: z.boolean().openapi({ description: 'False: probabilities are rough and the threshold is 0.5' }),
    normalisation: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'How patches are prepared: unit, speckle filter, clipping, standardising' }),
    metrics: z.record(z.string(), z.number()).openapi({ description: 'On the validation split' }),
    dataFingerprint: z.string().openapi({ description: 'Of the data that it was trained on' }),
    trainedWith: z.string().openapi({ description: 'Version of doppel' }),
    backend: z.string().openapi({ description: 'The backend that runs' }),
    device: z.string().optional(),
    version: z.string().openapi({ description: 'Version of doppel that serves' }),
    limits: z.record(z.string(), z.number()),
  })
  .openapi('Model');

export const stateSchema = z.object({ status: z.string() }).openapi('State');
