/** The page as users meet it: served by the built `doppel serve`, or as files of a plain web server. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PAGE } from '@doppel/web';
import { ROOT } from '../house/source_imports.ts';

export interface Served {
  url: string;
  close(): Promise<void>;
}

/**
 * Jobs of the server as urgent as the server: beside other tests those of a low priority would take minutes. Their priority
 * is tested where jobs are.
 */
const EQUAL = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module'; os.setPriority = () => {}; syncBuiltinESMExports();`;

/** Starts `doppel serve` on a free port. */
export async function serveByDoppel(...flags: string[]): Promise<Served> {
  const main = [
    '--import',
    `data:text/javascript,${encodeURIComponent(EQUAL)}`,
    join(ROOT, 'packages/cli/dist/main.js'),
  ];
  const args = [...main, 'serve', '--port', '0', '--json', '--backend', 'wasm', ...flags];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
      if (output.includes('\n')) resolve(output);
    });
    void closed.then(() => reject(new Error(`doppel serve ended: ${errors}`)));
  });
  return {
    url: JSON.parse(line).url,
    async close() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

const TYPES: Record<string, string> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** Serves the built page in a folder of a web space that knows nothing else. */
export async function serveStatically(): Promise<Served> {
  const server = createServer(async ({ url = '' }, response) => {
    const path = url.replace(/^\/space\//, '').replace(/\?.*$/, '') || 'index.html';
    try {
      const bytes = await readFile(new URL(path, PAGE));
      response.writeHead(200, { 'content-type': TYPES[path.split('.').at(-1)!] ?? 'application/octet-stream' });
      response.end(bytes);
    } catch {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/space/`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
