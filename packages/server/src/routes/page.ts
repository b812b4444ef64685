/** The page at `/`: files that were read at start, with a policy that lets the page load nothing from elsewhere. */
import type { Handler } from 'hono';
import { accepts } from 'hono/accepts';

export interface StaticFile {
  /** Content type. */
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Files by path: `/`, and `/assets/NAME` with a hash in the name. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

/** The page's own files only; `wasm-unsafe-eval` compiles WebAssembly. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' blob:",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

const YEAR = 31_536_000;

/** Types whose files become much smaller; weights of a model do not. */
const COMPRESSIBLE = /^(text\/|image\/svg|application\/wasm)/;

/** Paths of the page with their handler. */
export function pageHandlers(files: StaticFiles): [string, Handler][] {
  const smaller = new Map<StaticFile, Promise<Uint8Array<ArrayBuffer>>>();
  /** Bytes that are compressed at the first request for them, once. */
  const zipped = (file: StaticFile) => {
    const made = smaller.get(file) ?? gzip(file.bytes);
    smaller.set(file, made);
    return made;
  };
  const serve: Handler = async (c) => {
    const file = files.get(c.req.path);
    if (!file) return c.notFound();
    const cache = isHashed(c.req.path) ? `public, max-age=${YEAR}, immutable` : 'no-cache';
    const headers = { ...HEADERS, 'content-type': file.type, 'cache-control': cache };
    if (!COMPRESSIBLE.test(file.type)) return c.body(file.bytes, 200, headers);
    const coding = accepts(c, { header: 'Accept-Encoding', supports: ['gzip', 'identity'], default: 'identity' });
    if (coding === 'identity') return c.body(file.bytes, 200, { ...headers, vary: 'accept-encoding' });
    return c.body(await zipped(file), 200, { ...headers, vary: 'accept-encoding', 'content-encoding': 'gzip' });
  };
  return ['/', '/assets/:name'].map((path) => [path, serve]);
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const isHashed = (path: string) => /-[0-9A-Z]{8}\.\w+$/.test(path);
