/**
 * What the app needs of whoever scores: a few methods, so that it runs alike over worker threads, in the caller's own
 * thread on an edge runtime, and over a fake in tests. All that passes here is plain data, as it may cross to a thread.
 */

import type { ModelInfo, PairScore } from '@doppel/core';
import type { Normalisation } from '@doppel/core/prepare';
import type { Unit } from '@doppel/core/raster';

/** An image as a request brought it. */
export type ImageInput =
  /** The bytes of a GeoTIFF, PNG or JPEG file. */
  | { kind: 'file'; name: string; bytes: Uint8Array; unit?: Unit | undefined }
  /** `data` is [height, width, bands], row by row, band innermost; NaN where nothing is. */
  | {
      kind: 'samples';
      name: string;
      data: Float32Array;
      height: number;
      width: number;
      bands: number;
      unit?: Unit | undefined;
    };

export interface PairInput {
  sar: ImageInput;
  optical: ImageInput;
}

/** Why a pair has no score; the fault is the pair's. */
export interface PairFailure {
  problem: 'unusable-image' | 'payload-too-large';
  detail: string;
  expected?: string | undefined;
  found?: string | undefined;
  remedy?: string | undefined;
}

export type PairOutcome = PairScore | { error: PairFailure };

/** The model that is served and the backend that it runs on. */
export interface ServedModel {
  /** Name of the checkpoint's file, without its folder. */
  name: string;
  info: ModelInfo;
  normalisation: Normalisation;
  /** The backend that really runs. */
  backend: string;
  device?: string | undefined;
}

export interface ScoringService {
  /** Whether a model is loaded and warm, and somebody is there to score with it. */
  ready(): boolean;
  /** Rejects where no model could be loaded. */
  info(): Promise<ServedModel>;
  /**
   * Outcomes in the order of the pairs.
   *
   * @param signal gives the pairs up that are still waiting; the promise then rejects with its reason.
   * @throws OverloadError where too many pairs wait already.
   * @throws ServerError where the scoring broke down; other requests go on.
   */
  score(pairs: readonly PairInput[], signal?: AbortSignal): Promise<PairOutcome[]>;
}

/** Told of what happens while scoring, for metrics. */
export interface ScoringObserver {
  /** The number of pairs that wait has changed. */
  queued(pairs: number): void;
  /** A batch went through. Times in seconds; one waiting time for each pair. */
  batchDone(batch: { waited: readonly number[]; computed: number }): void;
  /** A worker died and is started anew. */
  workerRestarted(): void;
}
