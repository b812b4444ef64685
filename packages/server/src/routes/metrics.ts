/** What the server counts and times. An edge runtime does without; `prometheus.ts` keeps it for `/metrics`. */
import type { ScoringObserver } from '../scoring/scoring_service.ts';

export interface ServerMetrics extends ScoringObserver {
  /** A request was answered. @param route a path of the OpenAPI document, or "other". */
  answered(request: { method: string; route: string; status: number; seconds: number }): void;
  /** Requests for scores that are worked on. */
  inProgress(requests: number): void;
  /** Pairs that were scored, and pairs that got an error of their own. */
  pairs(counts: { scored: number; failed: number }): void;
  /** @param type of a problem document. */
  problem(type: string): void;
  /** In the format that `contentType` names. */
  text(): Promise<string>;
  readonly contentType: string;
}
