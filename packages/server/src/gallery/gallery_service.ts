/**
 * Contract between the app and its galleries: plain data, as it crosses to another thread, so that the app runs over a thread,
 * or over a fake in tests.
 */
import type { Bounds, FoundPlace } from '@doppel/core/gallery';
import type { ImageInput, PairFailure } from '../scoring/scoring_service.ts';

/** A gallery that is served. */
export interface GalleryDescription {
  /** Name in requests. */
  name: string;
  /** Places that are searched. */
  tiles: number;
  /** Name of the model, and SHA-256 of its checkpoint. */
  model: string;
  fingerprint: string;
  /** Patch side in pixels that the model was calibrated for. */
  side: number;
  /** Null where no scene is placed on the ground, likewise the bounds. */
  metresPerPixel: number | null;
  /** [west, south, east, north] in degrees. */
  bbox: readonly [number, number, number, number] | null;
  /** Sensor of the scenes; patches of the other one are searched. */
  modality: 'sar' | 'optical';
  /** SHA-256 of the list of scenes: it changes with each of them. */
  digest: string;
}

export interface SearchInput {
  gallery: string;
  image: ImageInput;
  k: number;
  bbox?: Bounds | undefined;
}

export type SearchFailure = Omit<PairFailure, 'problem'> & { problem: PairFailure['problem'] | 'gallery-unavailable' };
export type SearchOutcome = { places: FoundPlace[] } | { error: SearchFailure };
/** PNG of a tile; null where there is no such tile. */
export type PictureOutcome = { picture: Uint8Array | null } | { error: SearchFailure };

export interface GalleryService {
  /** True if the galleries are open. */
  ready(): boolean;
  /** Descriptions in the order of the settings; the first gallery is the default. */
  describe(): readonly GalleryDescription[];
  /**
   * @param signal gives the search up; the promise then rejects with its reason.
   * @throws OverloadError if too many searches wait. @throws ServerError if the thread failed.
   */
  search(input: SearchInput, signal?: AbortSignal): Promise<SearchOutcome>;
  picture(gallery: string, tile: string, signal?: AbortSignal): Promise<PictureOutcome>;
}
