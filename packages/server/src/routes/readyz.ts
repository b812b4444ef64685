/** `GET /readyz`: whether pairs can be scored and galleries searched now, for a load balancer. */
import { createRoute } from '@hono/zod-openapi';
import type { GalleryService } from '../gallery/gallery_service.ts';
import { problemError, problemSchema } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { Replaceable } from '../scoring/replaceable.ts';
import { endpoint, json, notReady, problemJson, stateSchema } from './answers.ts';

const route = createRoute({
  ...{
    method: 'get',
    path: '/readyz',
    operationId: 'readyz',
    summary: 'Whether pairs can be scored and galleries searched now',
  },
  responses: {
    200: json('Pairs can be scored, galleries searched', stateSchema),
    503: problemJson('The model is loading, galleries are being opened, or the server is shutting down', problemSchema),
  },
});

/** Parts of a server that must be ready. */
export interface Readiness {
  models: Models;
  /** Undefined: the server has none. */
  galleries: Replaceable<GalleryService> | undefined;
  /** True while the server finishes its last requests. */
  isDraining(): boolean;
}

/** @throws ProblemError (503) while the server finishes its last requests, a model cannot score, or a gallery is not open. */
export function requireReady({ models, galleries, isDraining }: Readiness): void {
  if (isDraining()) throw problemError('not-ready', { detail: 'The server is shutting down.' });
  if (!models.ready() || galleries?.value.ready() === false) throw notReady();
}

export const readyz = (readiness: Readiness) =>
  endpoint(route, 'nothing', (c) => {
    requireReady(readiness);
    return c.json({ status: 'ready' }, 200);
  });
