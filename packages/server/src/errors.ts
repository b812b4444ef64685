/** Failures of the server itself, beyond those of core: what it cannot start, and what it had to give up. */
import { DoppelError, type Explanation } from '@doppel/core';

/** The server cannot start or cannot go on: a port that is taken, a worker that died. */
export class ServerError extends DoppelError {
  readonly tag = 'server';
}

/** The queue is full. */
export class OverloadError extends DoppelError {
  readonly tag = 'overload';
  /** When it is worth trying again. */
  readonly retryAfterSeconds: number;
  constructor(what: Explanation & { retryAfterSeconds: number }) {
    super(what);
    this.retryAfterSeconds = what.retryAfterSeconds;
  }
}
