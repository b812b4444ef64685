/** Parts that the routes share: a route with its handler, the descriptions of answers, and the answer "not ready". */
import { createRoute, type RouteConfig, type RouteHandler, z } from '@hono/zod-openapi';
import type { Need } from '../access/scopes.ts';
import { type ProblemError, problemError, problemSchema } from '../problem.ts';

/**
 * Route with its handler, whose answers must be those that the route describes, and with what it asks of callers where the
 * server has keys.
 */
export const endpoint = <R extends RouteConfig>(route: R, need: Need, handler: RouteHandler<R>) => {
  return { route: need === 'nothing' ? route : guarded(route, need), need, handler };
};

/** The route, with its security and the answers of the guard in its description. */
function guarded<R extends RouteConfig>(route: R, need: Exclude<Need, 'nothing'>): R {
  const refused = (description: string) =>
    isOfProtocol(route.path) ? json(description, inferErrorSchema) : problemJson(description, problemSchema);
  return createRoute({
    ...route,
    security: [{ key: need === 'any key' ? [] : [need] }, {}], // `{}`: a server on loopback asks for no key
    responses: {
      ...route.responses,
      401: refused('No key, or an unknown one'),
      ...(need !== 'any key' && { 403: refused(`A key without the scope ${need}`) }),
      429: refused('The key has asked or sent too much: see Retry-After'),
    },
  });
}

/** Membership of a path in the Open Inference Protocol, which has errors of its own. */
export const isOfProtocol = (path: string): boolean => path === '/v2' || path.startsWith('/v2/');

export const inferErrorSchema = z.object({ error: z.string() }).openapi('InferError');

/** Response with a JSON body, for `createRoute`. */
export const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Response with a problem document, for `createRoute`. */
export const problemJson = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/problem+json': { schema } },
});

export const stateSchema = z.object({ status: z.string() }).openapi('State');

/** Answer while no thread can score, or galleries are not open yet. */
export function notReady(): ProblemError {
  const detail =
    'The model is loading, its scoring thread is being restarted, or galleries are being opened. Try again in a moment.';
  return problemError('not-ready', { detail }, { 'retry-after': '1' });
}
