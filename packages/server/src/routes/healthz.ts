/** `GET /healthz`: whether the process answers. */
import { createRoute } from '@hono/zod-openapi';
import { endpoint, json, stateSchema } from './answers.ts';

const route = createRoute({
  ...{ method: 'get', path: '/healthz', operationId: 'healthz', summary: 'Whether the process answers' },
  responses: { 200: json('The process answers', stateSchema) },
});

export const healthz = endpoint(route, 'nothing', (c) => c.json({ status: 'ok' }, 200));
