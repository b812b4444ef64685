/**
 * Frame of every request for scores or places: one of the requests in progress, a deadline for its body and its answer, and a
 * model that stays open until it is answered.
 */
import type { Limits } from '../body/limits.ts';
import { OverloadError } from '../errors.ts';
import { type ProblemError, problemError } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { ScoringService } from '../scoring/scoring_service.ts';
import { readyModel } from './chosen_model.ts';
import { type Deadline, deadlineOf } from './deadline.ts';
import type { ServerMetrics } from './metrics.ts';

export interface ScoringRequest<Body, Answer> {
  /** Name of the model in the holder. */
  model: string;
  /** Reads the body. */
  read(signal: AbortSignal): Promise<Body>;
  answer(body: Body, scoring: ScoringService, signal: AbortSignal): Promise<Answer>;
}

/** Request without a model, as a search. */
export interface FramedRequest<Body, Answer> {
  /** Reads the body. */
  read(signal: AbortSignal): Promise<Body>;
  answer(body: Body, signal: AbortSignal): Promise<Answer>;
}

export class ScoringRequests {
  readonly #models: Models;
  readonly #limits: Limits;
  readonly #metrics: ServerMetrics | undefined;
  #working = 0;

  constructor(models: Models, limits: Limits, metrics: ServerMetrics | undefined) {
    this.#models = models;
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /** @throws ProblemError if the request as a whole fails. */
  run<Body, Answer>(client: AbortSignal, { model, read, answer }: ScoringRequest<Body, Answer>): Promise<Answer> {
    return this.frame(client, {
      read: async (signal) => {
        readyModel(this.#models, model);
        return read(signal);
      },
      answer: (body, signal) => this.#models.use(model, (scoring) => answer(body, scoring, signal)),
    });
  }

  /** @throws ProblemError if the request as a whole fails. */
  async frame<Body, Answer>(client: AbortSignal, request: FramedRequest<Body, Answer>): Promise<Answer> {
    if (this.#working >= this.#limits.maxRequests) {
      throw overloaded(`${this.#working} requests are in progress. Try again later.`);
    }
    this.#count(1);
    const deadline = deadlineOf(client, this.#limits.timeoutMs);
    try {
      return await this.#answer(request, deadline);
    } finally {
      deadline.clear();
      this.#count(-1);
    }
  }

  #count(change: 1 | -1): void {
    this.#working += change;
    this.#metrics?.inProgress(this.#working);
  }

  async #answer<Body, Answer>(request: FramedRequest<Body, Answer>, deadline: Deadline): Promise<Answer> {
    const { signal } = deadline;
    const body = await request.read(signal).catch((error) => {
      throw signal.aborted ? this.#givenUp(deadline, 'request-timeout') : error;
    });
    return request.answer(body, signal).catch((error) => {
      if (error instanceof OverloadError) throw overloaded(error.message, error.retryAfterSeconds);
      throw signal.aborted ? this.#givenUp(deadline, 'timeout') : error;
    });
  }

  /** Error of a request whose deadline has passed, or whose client has left. */
  #givenUp(deadline: Deadline, name: 'request-timeout' | 'timeout'): ProblemError {
    if (!deadline.hasPassed()) {
      return problemError('client-closed-request', { detail: 'The client closed the connection.' });
    }
    const detail = `A request may take ${this.#limits.timeoutMs / 1000} s in all. Send less at a time.`;
    return problemError(name, { detail }, name === 'timeout' ? { 'retry-after': '1' } : {});
  }
}

function overloaded(detail: string, retryAfterSeconds = 1): ProblemError {
  return problemError('overloaded', { detail }, { 'retry-after': `${retryAfterSeconds}` });
}
