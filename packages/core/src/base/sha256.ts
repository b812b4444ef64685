/** Fingerprints: SHA-256 of bytes, as 64 hex digits. */
import type { Hash } from 'node:crypto';

/** Node's hashes, where there are any: Web Crypto takes a hundred microseconds a call, whatever the size. */
const node: { createHash(name: string): Hash } | undefined = globalThis.process?.getBuiltinModule?.('node:crypto');

export async function sha256(bytes: Uint8Array): Promise<string> {
  if (node) return node.createHash('sha256').update(bytes).digest('hex');
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
