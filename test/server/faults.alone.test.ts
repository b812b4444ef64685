/** Clients and events that a server must outlive: slow and silent clients, bombs, its own end under load. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { createApp } from '../../packages/server/src/app.ts';
import { limitsFrom } from '../../packages/server/src/body/limits.ts';
import { settingsFrom } from '../../packages/server/src/runtime/flags.ts';
import { listenNode } from '../../packages/server/src/runtime/listen_node.ts';
import type { Listening } from '../../packages/server/src/runtime/listening.ts';
import { startServer } from '../../packages/server/src/runtime/start_server.ts';
import { InlineScoring } from '../../packages/server/src/scoring/inline_scoring.ts';
import { fakeScorer, soleModel } from './fake_scorer.ts';
import { noisePatch, tinyCheckpoint } from './tiny_model.mjs';

let server: Listening | undefined;
afterEach(async () => {
  await server?.close(0);
  server = undefined;
});

async function listen(timeoutMs: number): Promise<URL> {
  const app = createApp({ models: soleModel(fakeScorer()), limits: limitsFrom({ timeoutMs }) });
  server = await listenNode({ fetch: (each) => app.fetch(each), port: 0, host: '127.0.0.1', timeoutMs });
  return new URL(server.url);
}

const image = (value: number, id?: string) => ({ data: [value], shape: [1, 1], ...(id && { id }) });
const postMatch = (url: string | URL, body: object) =>
  fetch(new URL('/v1/match', url), {
    ...{ method: 'POST', body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json' },
  });

describe('a client that sends a byte at a time', () => {
  const HEAD = 'POST /v1/match HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n';

  it.each([
    ['of its headers', HEAD, ''],
    ['of its body', '', `${HEAD}\r\n`],
  ])('%s, is cut off at the timeout, and others are answered meanwhile', async (_, trickled, atOnce) => {
    const TIMEOUT = 1500;
    const url = await listen(TIMEOUT);
    const socket = connect(Number(url.port), '127.0.0.1');
    const start = performance.now();
    let answer = '';
    let answeredAfter = 0;
    socket.on('data', (data) => {
      answeredAfter ||= performance.now() - start;
      answer += data;
    });
    socket.on('error', () => {}); // a byte that was sent after the end
    const ended = new Promise<number>((resolve) => socket.on('close', () => resolve(performance.now() - start)));
    socket.write(atOnce);
    let at = 0;
    const drip = setInterval(() => socket.write((trickled || '{').charAt(at++ % (trickled.length || 1))), 50);
    expect((await postMatch(url, { sar: image(3), optical: image(1) })).status).toBe(200);
    expect(answer, 'meanwhile').toBe('');
    await expect.poll(() => answer, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 408 /);
    expect(answeredAfter).toBeGreaterThan(0.9 * TIMEOUT);
    expect(answeredAfter).toBeLessThan(TIMEOUT + 5000); // a busy machine is late
    expect(await ended).toBeLessThan(TIMEOUT + 8000);
    clearInterval(drip);
    socket.destroy();
  });
});

/** Opens connections from a process of its own, each with half a request, and tells how many are open. */
const OPENER = `
  const { connect } = require('node:net');
  const [port, wanted] = process.argv.slice(1).map(Number);
  let [open, failed] = [0, 0];
  const next = () => {
    if (open + failed >= wanted) return;
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST /v1/match HTTP/1.1\\r\\nHost: x\\r\\nContent-Le');
      open++;
      if (open + failed === wanted) console.log(JSON.stringify({ open, failed }));
      else next();
    });
    socket.on('error', () => { failed++; if (open + failed === wanted) console.log(JSON.stringify({ open, failed })); else next(); });
  };
  for (let i = 0; i < 100; i++) next();
  setInterval(() => {}, 1000);
`;

const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const CONNECTIONS = Math.min(10_000, limit - 500);

it(`answers while ${CONNECTIONS} connections have sent half a request (10,000, or what the limit on files allows)`, async () => {
  const url = await listen(60_000);
  const opener = spawn(process.execPath, ['-e', OPENER, url.port, `${CONNECTIONS}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const counts = await new Promise<{ open: number; failed: number }>((resolve) =>
      createInterface({ input: opener.stdout }).on('line', (line) => resolve(JSON.parse(line))),
    );
    expect(counts).toEqual({ open: expect.any(Number), failed: 0 });
    expect(counts.open).toBeGreaterThanOrEqual(CONNECTIONS);
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      expect((await postMatch(url, { sar: image(3), optical: image(1) })).status).toBe(200);
      expect(performance.now() - start).toBeLessThan(5000);
    }
  } finally {
    opener.kill('SIGKILL');
  }
});

describe('bombs', () => {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  /** PNG whose header states one size, and whose samples inflate to another. */
  function png(side: number, inflated: number): Buffer {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(side, 0);
    header.writeUInt32BE(side, 4);
    header.set([8, 0, 0, 0, 0], 8);
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const samples = deflateSync(Buffer.alloc(inflated));
    return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', samples), chunk('IEND', Buffer.alloc(0))]);
  }

  it('of 200 MB in a PNG of 200 KB, and of a PNG that states 16 gigapixels, cost their pair and no memory', async () => {
    await selectBackend({ requested: 'wasm' });
    const limits = limitsFrom();
    const scoring = new InlineScoring({ ...limits, model: tinyCheckpoint(), file: 'tiny', backend: 'wasm' });
    await scoring.info();
    const app = createApp({ models: soleModel(scoring) });
    const form = new FormData();
    const bombs = [png(64, 200e6), png(127_000, 10e6), Buffer.from(noisePatch(1).png)];
    const optical = new Blob([noisePatch(2).png as BlobPart]);
    for (const [i, each] of bombs.entries()) {
      form.append(`sar[${i}]`, new Blob([each as BlobPart]), '../../bomb.png');
      form.append(`optical[${i}]`, optical, 'optical.png');
    }
    const before = process.memoryUsage().rss;
    const response = await app.request('/v1/match', { method: 'POST', body: form });
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
    expect(response.status).toBe(200);
    const { results } = await response.json();
    expect(results.map((each: { error?: { status: number } }) => each.error?.status)).toEqual([422, 413, undefined]);
    expect(results[0].error.detail).toMatch(/inflates/);
  });

  it('of 200 MB in a body compressed to 200 KB, are cut at the limit on bytes', async () => {
    const app = createApp({ models: soleModel(fakeScorer()) });
    const body = gzipSync(Buffer.alloc(200e6, ' '));
    const before = process.memoryUsage().rss;
    for (const path of ['/v1/match', '/v2/models/pair/infer']) {
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      expect((await app.request(path, { method: 'POST', body: body as BodyInit, headers })).status).toBe(413);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  });
});

it('loses nothing that it accepted when it ends under load, and gives every request its own answer', async () => {
  const settings = settingsFrom({ port: 0, model: 'x=fake', timeout: 20 }, {});
  const main = new URL('./scoring/fake_worker.mjs', import.meta.url);
  const running = await startServer({ settings, read: async () => new Uint8Array(4), log: () => {}, main });
  const agent = new Agent({ keepAlive: true });
  let answered = 0;
  const lost: string[] = [];
  const send = (value: number) =>
    new Promise<boolean>((resolve) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(`${running.url}/v1/match`, { method: 'POST', agent, headers }, async (response) => {
        let text = '';
        for await (const part of response) text += part;
        if (response.statusCode !== 200 || JSON.parse(text).score !== value - 1) lost.push(text);
        answered++;
        resolve(true);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNREFUSED') lost.push(`${error.code} ${error.message}`);
        resolve(false);
      });
      sent.end(JSON.stringify({ sar: image(value), optical: image(1) }));
    });
  const clients = Array.from({ length: 32 }, async (_, client) => {
    for (let i = 0; await send(2 + ((client + 32 * i) % 600)); i++);
  });
  await expect.poll(() => answered, { timeout: 30_000 }).toBeGreaterThan(300);
  await running.close();
  await Promise.all(clients);
  expect(lost).toEqual([]);
});

it('answers within the timeout under overload: with a score, or with 503 or 504', async () => {
  const TIMEOUT = 2; // seconds
  const flags = { port: 0, model: 'x=busy', timeout: TIMEOUT, maxBatch: 4, maxRequests: 64 };
  const main = new URL('./scoring/fake_worker.mjs', import.meta.url);
  const read = async () => new Uint8Array(4);
  const running = await startServer({ settings: settingsFrom(flags, {}), read, log: () => {}, main });
  const start = performance.now();
  // The thread scores four pairs in 400 ms: 20 in the time that 100 requests have.
  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const { status, headers } = await postMatch(running.url, { sar: image(5), optical: image(1) });
      return { status, retryAfter: headers.get('retry-after'), seconds: (performance.now() - start) / 1000 };
    }),
  );
  await running.close();
  const statuses = answers.map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 503, 504]));
  for (const { status, retryAfter, seconds } of answers) {
    expect(seconds).toBeLessThan(TIMEOUT + 4); // a busy machine is late
    if (status !== 200) expect(Number(retryAfter)).toBeGreaterThan(0);
  }
});
