/** `POST /v1/admin/reload`: loads model files that have changed, and galleries, without failing a request. */

import { isDoppelError } from '@doppel/core/errors';
import { createRoute, z } from '@hono/zod-openapi';
import { problemError, problemSchema } from '../problem.ts';
import { endpoint, json, problemJson } from './answers.ts';

export const reloadSchema = z
  .object({
    models: z.array(
      z.object({
        name: z.string(),
        version: z.string(),
        changed: z.boolean().openapi({ description: 'Whether the file was another than the one that is served' }),
      }),
    ),
    galleries: z
      .array(
        z.object({
          name: z.string(),
          tiles: z.int(),
          changed: z.boolean().openapi({ description: 'Whether its list of scenes was another' }),
        }),
      )
      .optional(),
  })
  .openapi('Reload');

type Reloaded = z.infer<typeof reloadSchema>;
export type ReloadedModel = Reloaded['models'][number];
export type ReloadedGallery = NonNullable<Reloaded['galleries']>[number];

/** Loads changed model files, and galleries, all or none. @throws DoppelError if one does not load; the old ones stay. */
export type ReloadModels = () => Promise<Reloaded>;

const route = createRoute({
  ...{
    method: 'post',
    path: '/v1/admin/reload',
    operationId: 'reload',
    summary: 'Load changed model files, and galleries',
  },
  responses: {
    200: json('The models that are served from now on', reloadSchema),
    409: problemJson('A model or a gallery does not load; those that were served stay', problemSchema),
  },
});

export const reload = (models: ReloadModels) =>
  endpoint(route, 'admin', async (c) => {
    try {
      return c.json(await models(), 200);
    } catch (error) {
      if (!isDoppelError(error)) throw error;
      throw problemError('reload-failed', { detail: error.message });
    }
  });
