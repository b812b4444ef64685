/**
 * Errors as problem documents (RFC 9457, application/problem+json): the kinds there are, and the one exception that
 * carries a document to the client.
 */
/** The last segment of the `type` → its status and title. */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request cannot be understood' },
  'malformed-pair': { status: 400, title: 'The pair cannot be understood' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'The path does not know this method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'payload-too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'unusable-image': { status: 422, title: 'An image of the pair cannot be used' },
  'no-pair-scored': { status: 422, title: 'None of the pairs could be scored' },
  'client-closed-request': { status: 499, title: 'The client went away' },
  'internal-error': { status: 500, title: 'The server failed' },
  'not-ready': { status: 503, title: 'The server is not ready' },
  overloaded: { status: 503, title: 'The server has too much to do' },
  timeout: { status: 504, title: 'The scores took too long' },
} as const;
export type ProblemName = keyof typeof PROBLEMS;

export interface Problem {
  type: string;
  title: string;
  status: number;
  /** What went wrong in this case, and the way out. */
  detail: string;
  expected?: string;
  found?: string;
  remedy?: string;
  [extension: string]: unknown;
}

export interface ProblemFacts {
  detail: string;
  expected?: string | undefined;
  found?: string | undefined;
  remedy?: string | undefined;
}

export function problemOf(name: ProblemName, facts: ProblemFacts): Problem {
  const { status, title } = PROBLEMS[name];
  const { detail, expected, found, remedy } = facts;
  return {
    ...{ type: `urn:doppel:problem:${name}`, title, status, detail },
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
    ...(remedy !== undefined && { remedy }),
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

export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const { status } = problem;
  return new Response(JSON.stringify(problem), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}
