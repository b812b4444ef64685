/** Reads the body of a request as items, by its content type. */

import { explain, problemError } from '../problem.ts';
import type { Item } from './items.ts';
import { jsonPairs } from './json_pairs.ts';
import type { Limits } from './limits.ts';
import { multipartPairs } from './multipart_pairs.ts';

export interface Body {
  bytes: Uint8Array;
  contentType: string;
}

/** Items of a body. @throws ProblemError if the body cannot be understood, or holds too many pairs. */
export type ReadItems = (body: Body, limits: Limits) => Promise<Item[]>;

/** Reads in the caller's thread. */
export const readItems: ReadItems = async ({ bytes, contentType }, limits) =>
  isJson(contentType) ? jsonPairs(bytes, limits) : multipartPairs(bytes, contentType, limits);

const mediaTypeOf = (contentType: string) => contentType.split(';')[0]!.trim().toLowerCase();

export function isJson(contentType: string): boolean {
  const mediaType = mediaTypeOf(contentType);
  return mediaType === 'application/json' || mediaType.endsWith('+json');
}

/** Checks the content type before the body is read. @throws ProblemError (415) */
export function requireKnownType(contentType: string): void {
  const mediaType = mediaTypeOf(contentType);
  if (isJson(contentType) || mediaType === 'multipart/form-data') return;
  const expected = 'the content type application/json or multipart/form-data';
  const headers = { accept: 'application/json, multipart/form-data' };
  throw problemError('unsupported-media-type', explain('read the body', expected, mediaType || 'none'), headers);
}
