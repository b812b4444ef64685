/** A file of a server as a store, read by ranges of bytes: of a large scene only the parts that are looked at are fetched. */
import { FileError, MemoryStore, type Store } from '@doppel/core';

/** Bytes up to which a file is fetched as a whole. */
const SMALL = 2 ** 25;

interface Remote {
  url: string;
  headers: Record<string, string>;
  size: number;
}

/** Store with one file, called `name`. @throws FileError */
export async function remoteStore(name: string, url: string, authorization?: string): Promise<Store> {
  const headers: Record<string, string> = authorization ? { authorization } : {};
  const remote = { url, headers, size: await sizeOf(name, url, headers) };
  if (remote.size <= SMALL) return blobStore(name, new Blob([await bytesOf(name, remote, 0, remote.size)]));
  return storeOf(name, remote.size, (offset, length) => bytesOf(name, remote, offset, length));
}

/** Store with one file of the reader's disk. */
export const blobStore = (name: string, blob: Blob): Store =>
  storeOf(name, blob.size, async (offset, length) => {
    return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
  });

type ReadRange = (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>;

function storeOf(name: string, size: number, readRange: ReadRange): Store {
  const nothing = new MemoryStore();
  return Object.assign(nothing, {
    read: (path: string) => (path === name ? readRange(0, size) : MemoryStore.prototype.read.call(nothing, path)),
    readRange: (path: string, offset: number, length: number) =>
      path === name
        ? readRange(offset, Math.min(length, Math.max(0, size - offset)))
        : MemoryStore.prototype.readRange.call(nothing, path, offset, length),
    stat: async (path: string) => (path === name ? { size, kind: 'file' as const } : undefined),
  });
}

async function sizeOf(file: string, url: string, headers: Record<string, string>): Promise<number> {
  const response = await fetched(file, url, { ...headers, range: 'bytes=0-0' });
  await response.body?.cancel();
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  return Number(total ?? response.headers.get('content-length') ?? 0);
}

async function bytesOf(file: string, { url, headers }: Remote, offset: number, length: number) {
  if (length === 0) return new Uint8Array();
  const response = await fetched(file, url, { ...headers, range: `bytes=${offset}-${offset + length - 1}` });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return response.status === 206 ? bytes : bytes.slice(offset, offset + length);
}

async function fetched(file: string, url: string, headers: Record<string, string>): Promise<Response> {
  const response = await fetch(url, { headers });
  if (response.ok) return response;
  throw new FileError({ action: 'fetch', file, expected: 'the file', found: `status ${response.status}` });
}
