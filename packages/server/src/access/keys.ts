/**
 * Keys of the server's clients. A key is 256 random bits; the file holds its SHA-256, which suffices for random keys, so that
 * a reader of the file cannot ask with it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { SCOPES } from './scopes.ts';

/** Name of a key or a model. */
export const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

export const keySchema = z.strictObject({
  name: z.string().regex(NAME),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** SHA-256 of the key as hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Time of its making, ISO 8601. */
  created: z.string(),
  /** Requests in a minute; absent: any number. */
  requestsPerMinute: z.int().min(1).optional(),
  /** Bytes of bodies in a day; absent: any number. */
  bytesPerDay: z.int().min(1).optional(),
});
export type Key = z.infer<typeof keySchema>;

const PREFIX = 'doppel_';
const KEY_BYTES = 32;

/** New key: its text, which is shown once, and what the file holds of it. */
export function newKey(facts: Omit<Key, 'sha256' | 'created'>): { text: string; key: Key } {
  const text = PREFIX + randomBytes(KEY_BYTES).toString('base64url');
  return { text, key: { ...facts, sha256: hashOf(text).toString('hex'), created: new Date().toISOString() } };
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Key with this text. Every key is compared, each in constant time: how long it takes tells nothing. */
export function keyOf(keys: readonly Key[], text: string): Key | undefined {
  const presented = hashOf(text);
  return keys.filter(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), presented))[0];
}
