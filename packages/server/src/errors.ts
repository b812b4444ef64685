/** Failures of the server itself, beyond those of core. */
import { DoppelError, type Explanation } from '@doppel/core/errors';

/** Server that cannot start or cannot continue: its port is taken, a thread died. */
export class ServerError extends DoppelError {
  readonly tag = 'server';
}

/** Full queue of pairs. */
export class OverloadError extends DoppelError {
  readonly tag = 'overload';
  /** Seconds after which to try again. */
  readonly retryAfterSeconds: number;
  constructor(what: Explanation & { retryAfterSeconds: number }) {
    super(what);
    this.retryAfterSeconds = what.retryAfterSeconds;
  }
}
