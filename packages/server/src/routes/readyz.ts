/** `GET /readyz`: whether pairs can be scored now, for a load balancer. */
import { createRoute } from '@hono/zod-openapi';
import { problemError, problemSchema } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import { endpoint, json, notReady, problemJson, stateSchema } from './answers.ts';

const route = createRoute({
  ...{ method: 'get', path: '/readyz', operationId: 'readyz', summary: 'Whether pairs can be scored now' },
  responses: {
    200: json('Pairs can be scored', stateSchema),
    503: problemJson('The model is loading, or the server is shutting down', problemSchema),
  },
});

/** @throws ProblemError (503) while the server finishes its last requests, or a model cannot score. */
export function notReadyWhile(isDraining: boolean, models: Models): void {
  if (isDraining) throw problemError('not-ready', { detail: 'The server is shutting down.' });
  if (!models.ready()) throw notReady();
}

/** @param isDraining whether the server finishes its last requests. */
export const readyz = (models: Models, isDraining: () => boolean) =>
  endpoint(route, 'nothing', (c) => {
    notReadyWhile(isDraining(), models);
    return c.json({ status: 'ready' }, 200);
  });
