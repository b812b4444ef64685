/** Messages between the server and the thread of its galleries: plain data only. */
import type { Explanation } from '@doppel/core/errors';
import type { GalleryDescription, PictureOutcome, SearchInput, SearchOutcome } from './gallery_service.ts';

export type GalleryRequest = { id: number } & (
  | { search: SearchInput }
  | { picture: { gallery: string; tile: string } }
  /** Gives up the request of this id. */
  | { stop: true }
);

export type GalleryReply =
  | { kind: 'ready'; described: GalleryDescription[] }
  /** The galleries could not be opened: the server ends the thread. */
  | { kind: 'failed'; why: Explanation }
  /** Line for the server's log. */
  | { kind: 'log'; line: string }
  | { kind: 'done'; id: number; outcome: SearchOutcome | PictureOutcome }
  /** The request failed; the thread continues. */
  | { kind: 'broken'; id: number; found: string };
