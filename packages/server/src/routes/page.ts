/** The page at `/`: files that were read at start, with a policy that lets the page load nothing from elsewhere. */
import type { Handler } from 'hono';
import { compress } from 'hono/compress';

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

/** Middleware and handler of the page's paths. */
export const pageHandlers = (files: StaticFiles): [string, Handler, Handler][] =>
  ['/', '/assets/:name'].map((path) => [path, compress(), serve(files)]);

const serve =
  (files: StaticFiles): Handler =>
  (c) => {
    const file = files.get(c.req.path);
    if (!file) return c.notFound();
    const cache = isHashed(c.req.path) ? `public, max-age=${YEAR}, immutable` : 'no-cache';
    return c.body(file.bytes, 200, { ...HEADERS, 'content-type': file.type, 'cache-control': cache });
  };

const isHashed = (path: string) => /-[0-9A-Z]{8}\.\w+$/.test(path);
