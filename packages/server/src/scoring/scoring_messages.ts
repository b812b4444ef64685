/** What the server and its scoring thread say to each other: plain data only. */
import type { PairInput, PairOutcome, ServedModel } from './scoring_service.ts';

/** Given to the thread at its start. */
export interface WorkerTask {
  model: Uint8Array;
  file: string;
  backend: string | undefined;
  maxPixels: number;
}

export interface ScoreRequest {
  batch: number;
  pairs: readonly PairInput[];
}

/** An error as it crosses; `tag`, `expected` and so on of a DoppelError. */
export interface PlainError {
  message: string;
  tag?: string | undefined;
  action?: string | undefined;
  expected?: string | undefined;
  found?: string | undefined;
  remedy?: string | undefined;
  file?: string | undefined;
}

export type WorkerReply =
  | { kind: 'ready'; served: ServedModel }
  /** The model could not be loaded: the thread waits to be ended. */
  | { kind: 'failed'; error: PlainError }
  | { kind: 'scored'; batch: number; outcomes: PairOutcome[] }
  /** The batch broke down; the thread goes on. */
  | { kind: 'broken'; batch: number; error: PlainError };
