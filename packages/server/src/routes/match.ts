/** `POST /v1/match`: from a request to the answer for each of its pairs. */

import type { Item } from '../body/items.ts';
import type { Limits } from '../body/limits.ts';
import { readBody } from '../body/read_body.ts';
import { type ReadItems, requireKnownType } from '../body/read_items.ts';
import { OverloadError } from '../errors.ts';
import { type Problem, ProblemError, problemError, problemOf } from '../problem.ts';
import type { PairOutcome, ScoringService } from '../scoring/scoring_service.ts';
import { type Deadline, deadlineOf } from './deadline.ts';
import type { MatchAnswer } from './responses.ts';

export interface MatchDeps {
  scorer: ScoringService;
  limits: Limits;
  readItems: ReadItems;
  /** Told how the pairs fared. */
  count(pairs: { scored: number; failed: number }): void;
}

type Result = MatchAnswer['results'][number];

/** @throws ProblemError where the request as a whole fails. */
export async function match(request: Request, deps: MatchDeps): Promise<Response> {
  const { scorer, limits, count } = deps;
  if (!scorer.ready()) throw notReady();
  const deadline = deadlineOf(request.signal, limits.timeoutMs);
  try {
    const results = await resultsOf(request, deps, deadline);
    const failed = results.filter((result) => 'error' in result).length;
    count({ scored: results.length - failed, failed });
    if (failed === results.length) throw new ProblemError(noneScored(results));
    const { name: model, backend, info } = await scorer.info();
    const answer: MatchAnswer = { ...soleScore(results), results, backend, model, modelFingerprint: info.fingerprint };
    return Response.json(answer);
  } finally {
    deadline.clear();
  }
}

async function resultsOf(request: Request, deps: MatchDeps, deadline: Deadline): Promise<Result[]> {
  const { scorer, limits } = deps;
  const { signal } = deadline;
  const items = await itemsOf(request, deps, signal).catch((error) => {
    throw signal.aborted ? givenUp(deadline, 'request-timeout', limits) : error;
  });
  return scoreItems(items, scorer, signal).catch((error) => {
    if (error instanceof OverloadError) throw overloaded(error.message, error.retryAfterSeconds);
    throw signal.aborted ? givenUp(deadline, 'timeout', limits) : error;
  });
}

async function itemsOf(request: Request, { limits, readItems }: MatchDeps, signal: AbortSignal): Promise<Item[]> {
  const contentType = request.headers.get('content-type') ?? '';
  requireKnownType(contentType);
  const bytes = await readBody(request, limits.maxBytes, signal);
  return readItems({ bytes, contentType }, limits);
}

async function scoreItems(items: readonly Item[], scorer: ScoringService, signal: AbortSignal): Promise<Result[]> {
  const outcomes = await scorer.score(
    items.flatMap((item) => ('pair' in item ? [item.pair] : [])),
    signal,
  );
  let next = 0;
  return items.map((item) => ('pair' in item ? resultOf(item.id, outcomes[next++]!) : item));
}

function resultOf(id: string, outcome: PairOutcome): Result {
  if (!('error' in outcome)) return { id, ...outcome };
  const { problem, ...facts } = outcome.error;
  return { id, error: problemOf(problem, facts) };
}

/** What a request for one pair has at the top level too. */
function soleScore(results: readonly Result[]) {
  const [sole] = results;
  if (results.length !== 1 || !sole || 'error' in sole) return {};
  const { id: _, ...score } = sole;
  return score;
}

/** The problem of the only pair, or one for them all. */
function noneScored(results: readonly Result[]): Problem {
  const errors = results.map((result) => (result as { error: Problem }).error);
  const detail = `Each of the ${errors.length} pairs has an error: see "results". The first: ${errors[0]?.detail}`;
  const problem = errors.length === 1 ? errors[0]! : problemOf('no-pair-scored', { detail });
  return { ...problem, results };
}

export function notReady(): ProblemError {
  const detail = 'The model is loading, or its scoring thread is being started anew. Try again in a moment.';
  return problemError('not-ready', { detail }, { 'retry-after': '1' });
}

export function overloaded(detail: string, retryAfterSeconds = 1): ProblemError {
  return problemError('overloaded', { detail }, { 'retry-after': `${retryAfterSeconds}` });
}

/** The deadline has passed, or the client has gone away. */
function givenUp(deadline: Deadline, name: 'request-timeout' | 'timeout', { timeoutMs }: Limits): ProblemError {
  if (!deadline.hasPassed()) {
    return problemError('client-closed-request', { detail: 'The client closed the connection.' });
  }
  const detail = `A request may take ${timeoutMs / 1000} s in all. Send fewer pairs at a time.`;
  return problemError(name, { detail }, name === 'timeout' ? { 'retry-after': '1' } : {});
}
