/** `GET /v1/model`: a model that is served, its backend and the limits. */
import { VERSION } from '@doppel/core';
import { createRoute, z } from '@hono/zod-openapi';
import type { Limits } from '../body/limits.ts';
import { problemSchema } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { ServedModel } from '../scoring/scoring_service.ts';
import { endpoint, json, problemJson } from './answers.ts';
import { chosenModel, modelQuery, readyModel } from './chosen_model.ts';

export const modelSchema = z
  .object({
    name: z.string().openapi({ description: 'Name of the model in requests' }),
    models: z.array(z.string()).openapi({ description: 'Names of all models; the first is the default' }),
    model: z.string().openapi({ description: 'Name of the checkpoint' }),
    fingerprint: z.string().openapi({ description: 'SHA-256 of the checkpoint as hex' }),
    preset: z.string().openapi({ example: 'paper-bn' }),
    side: z.int().openapi({ description: 'Height and width of the patches that it was trained on, in pixels' }),
    sides: z
      .object({ min: z.int(), multipleOf: z.int() })
      .optional()
      .openapi({ description: 'Other sides that a pair may have; absent: only `side`' }),
    channels: z.object({ sar: z.int(), optical: z.int() }).openapi({ description: 'Bands that the network sees' }),
    threshold: z.number(),
    temperature: z.number(),
    isCalibrated: z.boolean().openapi({ description: 'False: probabilities are rough and the threshold is 0.5' }),
    normalisation: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'How patches are prepared: unit, speckle filter, clipping, standardising' }),
    metrics: z.record(z.string(), z.number()).openapi({ description: 'On the validation split' }),
    dataFingerprint: z.string().openapi({ description: 'Fingerprint of the training data' }),
    trainedWith: z.string().openapi({ description: 'Version of doppel that trained the model' }),
    backend: z.string().openapi({ description: 'The backend that runs' }),
    device: z.string().optional(),
    version: z.string().openapi({ description: 'Version of doppel that serves the model' }),
    limits: z.record(z.string(), z.number()),
  })
  .openapi('Model');

const route = createRoute({
  ...{ method: 'get', path: '/v1/model', operationId: 'model', summary: 'The model, its backend and the limits' },
  request: { query: modelQuery },
  responses: {
    200: json('The model', modelSchema),
    404: problemJson('There is no such model', problemSchema),
    503: problemJson('The model is loading', problemSchema),
  },
});

export const model = (models: Models, limits: Limits) =>
  endpoint(route, 'any key', async (c) => {
    const name = chosenModel(models, c.req.valid('query').model);
    const served = await readyModel(models, name).info();
    return c.json({ name, models: models.names, ...describe(served, limits) }, 200);
  });

function describe({ name, info, normalisation, backend, device }: ServedModel, limits: Limits) {
  const { preset, side, sides, sarBands, opticalBands, calibration, fingerprint, isCalibrated, metrics, trainedOn } =
    info;
  return {
    ...{ model: name, fingerprint, preset, side, ...(sides && { sides }) },
    channels: { sar: sarBands, optical: opticalBands },
    ...{ threshold: calibration.threshold, temperature: calibration.temperature, isCalibrated },
    ...{ normalisation, metrics, dataFingerprint: trainedOn.dataFingerprint, trainedWith: info.version },
    ...{ backend, ...(device !== undefined && { device }), version: VERSION, limits },
  };
}
