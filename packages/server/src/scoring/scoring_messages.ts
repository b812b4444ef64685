/** Messages between the server and a scoring thread: plain data only. */
import type { Explanation } from '@doppel/core/errors';
import type { ServedModel, WorkInput, WorkOutcome } from './scoring_service.ts';

/** Data that a thread gets at its start. */
export interface WorkerTask {
  model: Uint8Array;
  file: string;
  backend: string | undefined;
  maxPixels: number;
}

export interface ScoreRequest {
  batch: number;
  work: readonly WorkInput[];
}

export type WorkerReply =
  | { kind: 'ready'; served: ServedModel }
  /** The model could not be loaded: the server ends the thread. */
  | { kind: 'failed'; why: Explanation }
  | { kind: 'scored'; batch: number; outcomes: WorkOutcome[] }
  /** The batch failed; the thread continues. */
  | { kind: 'broken'; batch: number; found: string };
