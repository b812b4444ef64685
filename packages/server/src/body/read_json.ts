/** JSON of a request. */
import { reasonOf } from '@doppel/core/errors';
import { explain, problemError } from '../problem.ts';

/** Longest reason: parsers quote what they found. */
const MAX_REASON = 200;

/** @param action of the message. @throws ProblemError (400) for what is no JSON, or no UTF-8. */
export function readJson(bytes: Uint8Array, action: string, remedy?: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw problemError('malformed-request', explain(action, 'JSON', reasonOf(cause).slice(0, MAX_REASON), remedy));
  }
}
