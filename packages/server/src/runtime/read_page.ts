/** Reads the built page of `@doppel/web` into memory, on Node and on Deno. */
import { readdir, readFile } from 'node:fs/promises';
import { PAGE } from '@doppel/web';
import type { StaticFile, StaticFiles } from '../routes/page.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
};

/** Files of the page. @param log is told where there is none: the sources are not built. */
export async function readPage(log: (line: string) => void): Promise<StaticFiles | undefined> {
  try {
    const assets = await readdir(new URL('assets/', PAGE));
    const paths: [string, string][] = [['/', 'index.html'], ...assets.map(assetPath)];
    return new Map(await Promise.all(paths.map(async ([path, file]) => [path, await readStatic(file)] as const)));
  } catch (error) {
    log(`there is no page at /: ${(error as Error).message}; build it by node scripts/build.mjs`);
    return undefined;
  }
}

const assetPath = (name: string): [string, string] => [`/assets/${name}`, `assets/${name}`];

async function readStatic(file: string): Promise<StaticFile> {
  const type = TYPES[file.split('.').at(-1)!] ?? 'application/octet-stream';
  return { type, bytes: new Uint8Array(await readFile(new URL(file, PAGE))) };
}
