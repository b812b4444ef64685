/** Hash of a file's content. */
import type { Store } from '../store.ts';
import { sha256 } from './sha256.ts';

const PART = 2 ** 26;

/** SHA-256 of a file; of one above 64 MiB that of the hashes of its parts, so that it is never in memory as a whole. */
export async function hashFile(store: Store, path: string, bytes: number): Promise<string> {
  if (bytes <= PART) return sha256(await store.read(path));
  const parts: string[] = [];
  for (let at = 0; at < bytes; at += PART) parts.push(await sha256(await store.readRange(path, at, PART)));
  return sha256(new TextEncoder().encode(parts.join('\n')));
}
