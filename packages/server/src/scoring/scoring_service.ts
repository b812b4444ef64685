/**
 * Contract between the app and its scorer: a few methods, so that the app runs over worker threads, in the caller's
 * thread on an edge runtime, and over a fake in tests. Everything here is plain data, as it may cross to another
 * thread.
 */

import type { ModelInfo, PairScore } from '@doppel/core';
import type { Modality, Normalisation } from '@doppel/core/prepare';
import type { Unit } from '@doppel/core/raster';

/** Image of a request. */
export type ImageInput =
  /** Bytes of a GeoTIFF, PNG or JPEG file. */
  | { kind: 'file'; name: string; bytes: Uint8Array; unit?: Unit | undefined }
  /** `data` is [height, width, bands], row by row, bands innermost; NaN marks missing samples. */
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
  /** Asks for the correlation map, where the matcher has one. */
  map?: MapWish | undefined;
}

export interface MapWish {
  /** Optical pixels around the patch, with as many to each side; absent: the patch alone. */
  window?: ImageInput | undefined;
}

/** Correlations of the SAR patch at displacements of the optical one. */
export interface PairMap {
  /** [height, width], row by row, −1 to 1; the middle is no displacement. */
  values: Float32Array;
  width: number;
  height: number;
  /** Pixels between two values. */
  stride: number;
  /** Pixels from the middle within which the score takes the peak. */
  radius: number;
}

/** Image of one sensor that a tower describes: a patch, or a tile of another size where the model takes it. */
export interface TileInput {
  modality: Modality;
  tile: ImageInput;
}

/** Unit of work of a scoring thread. */
export type WorkInput = PairInput | TileInput;

/** Image of a pair, as requests name it. */
export type ImageOfPair = Modality | 'window';

/** Reason why a pair cannot be scored, or a tile cannot be described. */
export interface PairFailure {
  problem: 'unusable-image' | 'payload-too-large';
  /** Image that caused it, if it is one alone. */
  file?: ImageOfPair | undefined;
  detail: string;
  expected?: string | undefined;
  found?: string | undefined;
  remedy?: string | undefined;
}

export type PairOutcome = (PairScore & { map?: PairMap }) | { error: PairFailure };
export type TileOutcome = { descriptor: Float32Array } | { error: PairFailure };
export type WorkOutcome = PairOutcome | TileOutcome;

/** Model that is served, and the backend that it runs on. */
export interface ServedModel {
  /** Name of the checkpoint's file, without the folder. */
  name: string;
  info: ModelInfo;
  normalisation: Normalisation;
  /** Backend that runs, whichever was requested. */
  backend: string;
  device?: string | undefined;
  /** Numbers of a descriptor; absent: both patches enter one stream, so that none can be described alone. */
  descriptorLength?: number | undefined;
}

export interface ScoringService {
  /** True if a model is loaded and warm, and a thread can score. */
  ready(): boolean;
  /** Description of the model; rejects if it could not be loaded. */
  info(): Promise<ServedModel>;
  /**
   * Outcomes in the order of the pairs.
   *
   * @param signal drops the pairs that are still waiting; the promise then rejects with its reason.
   * @throws OverloadError if too many pairs wait already.
   * @throws ServerError if the scoring failed; other requests are not affected.
   */
  score(pairs: readonly PairInput[], signal?: AbortSignal): Promise<PairOutcome[]>;
  /** Descriptors in the order of the tiles, for models that have `descriptorLength`; otherwise as `score`. */
  describe(tiles: readonly TileInput[], signal?: AbortSignal): Promise<TileOutcome[]>;
}

/** Observer of the scoring, for metrics. */
export interface ScoringObserver {
  /** The number of waiting pairs has changed. */
  queued(pairs: number): void;
  /** A batch was scored. Times in seconds; one waiting time for each pair. */
  batchDone(batch: { waited: readonly number[]; computed: number }): void;
  /** A thread died and is being restarted. */
  workerRestarted(): void;
}
