/** A server whose model files are replaced while requests come in: none fails, and each answer names the model that scored. */
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { sha256 } from '../../../packages/core/src/base/sha256.ts';
import { FileError } from '../../../packages/core/src/errors.ts';
import { settingsFrom } from '../../../packages/server/src/runtime/flags.ts';
import { reloadOnHangup } from '../../../packages/server/src/runtime/reload_on_hangup.ts';
import { type RunningServer, startServer } from '../../../packages/server/src/runtime/start_server.ts';

const MAIN = new URL('../scoring/fake_worker.mjs', import.meta.url);
const bytes = (text: string) => new TextEncoder().encode(text);

/** Files of the models; the fake thread says of each what its text is, and fails on "bad". */
const files = new Map<string, Uint8Array>();
const log: string[] = [];
let server: RunningServer | undefined;

/** Threads that run. */
const threads = new Set<Worker>();
const seen = (thread: Worker) => {
  threads.add(thread);
  thread.once('exit', () => threads.delete(thread));
};
beforeAll(() => void process.on('worker', seen));
afterAll(() => void process.off('worker', seen));

afterEach(async () => {
  await server?.close();
  log.length = 0;
});

async function start(): Promise<RunningServer> {
  files.set('a', bytes('first'));
  files.set('b', bytes('other'));
  const settings = settingsFrom({ model: ['x=a', 'y=b'], port: 0, batchDelay: 0 }, {});
  server = await startServer({
    settings,
    async read(file) {
      const found = files.get(file);
      if (!found) throw new FileError({ action: 'read the checkpoint', file, found: 'no such file' });
      return found;
    },
    log: (line) => log.push(line),
    main: MAIN,
  });
  return server;
}

const image = { data: [3], shape: [1, 1] };
const ask = async (url: string, model = 'x') => {
  const response = await fetch(`${url}/v1/match?model=${model}`, {
    ...{ method: 'POST', body: JSON.stringify({ sar: image, optical: { data: [1], shape: [1, 1] } }) },
    headers: { 'content-type': 'application/json' },
  });
  return { status: response.status, body: await response.json() };
};
const reload = async (url: string) => {
  const response = await fetch(`${url}/v1/admin/reload`, { method: 'POST' });
  return { status: response.status, body: await response.json() };
};

it('swaps a changed file without a failed request', async () => {
  const { url } = await start();
  const [first, second] = await Promise.all(['first', 'second'].map((text) => sha256(bytes(text))));
  let isOver = false;
  const seen: string[] = [];
  const clients = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      const { status, body } = await ask(url);
      expect(status).toBe(200);
      seen.push(body.modelFingerprint);
    }
  });
  expect((await reload(url)).body.models.map(({ changed }: { changed: boolean }) => changed)).toEqual([false, false]);
  files.set('a', bytes('second'));
  const { status, body } = await reload(url);
  expect(status).toBe(200);
  expect(body.models).toEqual([
    { name: 'x', version: second!.slice(0, 12), changed: true },
    { name: 'y', version: (await sha256(bytes('other'))).slice(0, 12), changed: false },
  ]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  isOver = true;
  await Promise.all(clients);
  expect(new Set(seen)).toEqual(new Set([first, second]));
  expect(seen.indexOf(second!)).toBeGreaterThan(0);
  expect(seen.at(-1)).toBe(second);
  expect((await ask(url)).body.modelFingerprint).toBe(second);
});

it('keeps all models where one does not load', async () => {
  const { url } = await start();
  const first = (await ask(url)).body.modelFingerprint;
  files.set('a', bytes('second'));
  files.set('b', bytes('bad'));
  const { status, body } = await reload(url);
  expect([status, body.type]).toEqual([409, 'urn:doppel:problem:reload-failed']);
  expect(body.detail).toMatch(/expected a checkpoint, found noise/);
  expect((await ask(url)).body.modelFingerprint).toBe(first);
  expect((await ask(url, 'y')).status).toBe(200);
});

it.each([
  ['is missing', () => files.delete('b')],
  ['does not load', () => files.set('b', bytes('bad'))],
])('leaves no thread of a successor behind where another file %s', async (_, spoil) => {
  const { url } = await start();
  await ask(url);
  const before = threads.size;
  expect(before).toBeGreaterThanOrEqual(2);
  for (let i = 0; i < 3; i++) {
    files.set('a', bytes(`successor ${i}`));
    spoil();
    expect((await reload(url)).status).toBe(409);
  }
  await expect.poll(() => threads.size, { timeout: 10_000 }).toBe(before);
  expect((await ask(url)).body.modelFingerprint).toBe(await sha256(bytes('first')));
});

it('swaps on SIGHUP', async () => {
  const running = await start();
  reloadOnHangup(running, (line) => log.push(line));
  files.set('a', bytes('second'));
  process.emit('SIGHUP');
  const second = await sha256(bytes('second'));
  await expect.poll(async () => (await ask(running.url)).body.modelFingerprint, { timeout: 10_000 }).toBe(second);
  await expect.poll(() => log.join(), { timeout: 10_000 }).toMatch(new RegExp(`now serves x ${second.slice(0, 12)}`));
  process.removeAllListeners('SIGHUP');
});
