/** Errors as problem documents (RFC 9457, application/problem+json): the known types, and the exception that carries one. */
import { z } from '@hono/zod-openapi';

/** Last segment of the document's `type` → its status and title. */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request cannot be understood' },
  'malformed-pair': { status: 400, title: 'The pair cannot be understood' },
  unauthorised: { status: 401, title: 'The request needs a key' },
  forbidden: { status: 403, title: 'The key is not good for this' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'The path does not know this method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'reload-failed': { status: 409, title: 'The models could not be loaded again' },
  'payload-too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'range-not-satisfiable': { status: 416, title: 'The file has no such bytes' },
  'unusable-image': { status: 422, title: 'An image cannot be used' },
  'unusable-scene': { status: 422, title: 'The scenes cannot be registered' },
  'no-pair-scored': { status: 422, title: 'None of the pairs could be scored' },
  'rate-limited': { status: 429, title: 'The key has asked too often' },
  'quota-exceeded': { status: 429, title: 'The key has sent too much' },
  'client-closed-request': { status: 499, title: 'The client went away' },
  'internal-error': { status: 500, title: 'The server failed' },
  interrupted: { status: 500, title: 'The registration was interrupted too often' },
  'not-enabled': { status: 503, title: 'The server was started without this' },
  'no-room': { status: 503, title: 'The server has no room for this' },
  'gallery-unavailable': { status: 503, title: 'A scene of the gallery is missing' },
  'not-ready': { status: 503, title: 'The server is not ready' },
  overloaded: { status: 503, title: 'The server has too much to do' },
  timeout: { status: 504, title: 'The answer took too long' },
} as const;
export type ProblemName = keyof typeof PROBLEMS;

export const problemSchema = z
  .looseObject({
    type: z.string().openapi({ example: 'urn:doppel:problem:unusable-image' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What went wrong in this case, and the way out' }),
    expected: z.string().optional(),
    found: z.string().optional(),
    remedy: z.string().optional(),
    file: z
      .enum(['sar', 'optical', 'window'])
      .optional()
      .openapi({ description: 'The upload or field that caused it, if it is one' }),
    requestId: z.string().optional(),
  })
  .openapi('Problem', { description: 'A problem document (RFC 9457)' });

/** A problem document. */
export type Problem = z.infer<typeof problemSchema>;
export type ProblemFacts = Pick<Problem, 'detail' | 'expected' | 'found' | 'remedy' | 'file'>;

/** Problem document of one of the known types. */
export function problemOf(name: ProblemName, { detail, expected, found, remedy, file }: ProblemFacts): Problem {
  const { status, title } = PROBLEMS[name];
  return {
    ...{ type: `urn:doppel:problem:${name}`, title, status, detail },
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
    ...(remedy !== undefined && { remedy }),
    ...(file !== undefined && { file }),
  };
}

/** Ends the handling of a request with a problem document. */
export class ProblemError extends Error {
  readonly problem: Problem;
  readonly headers: Record<string, string>;

  constructor(problem: Problem, headers: Record<string, string> = {}) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
    this.headers = headers;
  }
}

export function problemError(name: ProblemName, facts: ProblemFacts, headers?: Record<string, string>): ProblemError {
  return new ProblemError(problemOf(name, facts), headers);
}

/** Facts whose detail is worded as the messages of core's errors: "Cannot {action}: expected …, found …. {remedy}" */
export function explain(action: string, expected: string, found: string, remedy?: string): ProblemFacts {
  const detail = `Cannot ${action}: expected ${expected}, found ${found}.${remedy ? ` ${remedy}` : ''}`;
  return { detail, expected, found, remedy };
}

export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const { status } = problem;
  return Response.json(problem, { status, headers: { ...headers, 'content-type': 'application/problem+json' } });
}
