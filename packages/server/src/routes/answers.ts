/** Parts that the routes share: a route with its handler, the descriptions of answers, and the answer "not ready". */
import { type RouteConfig, type RouteHandler, z } from '@hono/zod-openapi';
import type { Need } from '../access/scopes.ts';
import { type ProblemError, problemError } from '../problem.ts';

/**
 * Route with its handler, whose answers must be those that the route describes, and with what it asks of callers where the
 * server has keys.
 */
export const endpoint = <R extends RouteConfig>(route: R, need: Need, handler: RouteHandler<R>) => {
  // `{}`: a server on loopback asks for no key.
  if (need !== 'nothing') Object.assign(route, { security: [{ key: need === 'any key' ? [] : [need] }, {}] });
  return { route, need, handler };
};

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

/** Answer while no thread can score. */
export function notReady(): ProblemError {
  const detail = 'The model is loading, or its scoring thread is being restarted. Try again in a moment.';
  return problemError('not-ready', { detail }, { 'retry-after': '1' });
}
