/** A request for scores as a list of items: each is a pair to be scored, or the problem of that pair. */
import { explain, type Problem, type ProblemFacts, problemError, problemOf } from '../problem.ts';
import type { PairInput } from '../scoring/scoring_service.ts';
import type { Limits } from './limits.ts';

export type Item = { id: string; pair: PairInput } | { id: string; error: Problem };

export const MAX_ID_LENGTH = 256;

export const brokenItem = (id: string, facts: ProblemFacts): Item => ({
  id,
  error: problemOf('malformed-pair', facts),
});

/** @throws ProblemError if a request has no pair, or too many. */
export function requireCount(found: number, { maxPairs }: Pick<Limits, 'maxPairs'>): void {
  if (found === 0) {
    throw problemError('malformed-request', { detail: 'The request has no pair.', expected: 'a pair', found: 'none' });
  }
  if (found <= maxPairs) return;
  const facts = explain('score the request', `at most ${maxPairs} pairs`, `${found}`, 'Send several requests.');
  throw problemError('payload-too-large', facts);
}
