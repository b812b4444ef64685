/** Requests as other clients write them: .NET's multipart, preambles, compressed bodies, HTTP/1.0 without Host. */
import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../packages/server/src/app.ts';
import { type Limits, limitsFrom } from '../../../packages/server/src/body/limits.ts';
import { listenNode } from '../../../packages/server/src/runtime/listen_node.ts';
import { fakeScorer, soleModel } from '../fake_scorer.ts';

const appWith = (limits: Partial<Limits> = {}) =>
  createApp({ models: soleModel(fakeScorer()), limits: limitsFrom(limits) });

const post = (body: Uint8Array, headers: Record<string, string>, limits: Partial<Limits> = {}) =>
  appWith(limits).request('/v1/match', { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers });

const bytes = (text: string) => new TextEncoder().encode(text);
const image = (value: number) => ({ data: [value, value, value, value], shape: [2, 2] });
const json = bytes(JSON.stringify({ sar: image(3), optical: image(1) }));

function form(disposition: (name: string) => string, around: [string, string] = ['', '']) {
  const part = (name: string) => `--XX\r\nContent-Disposition: ${disposition(name)}\r\n\r\nbytes\r\n`;
  return bytes(`${around[0]}${part('sar')}${part('optical')}--XX--\r\n${around[1]}`);
}

describe('multipart', () => {
  const quoted = (name: string) => `form-data; name="${name}"; filename="a.png"`;

  it.each<[string, Uint8Array, string]>([
    ['names and file names in quotes', form(quoted), 'multipart/form-data; boundary=XX'],
    [
      "unquoted names and filename*, as .NET's HttpClient",
      form((name) => `form-data; name=${name}; filename=a.png; filename*=utf-8''a.png`),
      'multipart/form-data; boundary="XX"',
    ],
    ['a preamble and an epilogue', form(quoted, ['to old readers\r\n', 'the end']), 'multipart/form-data; boundary=XX'],
  ])('%s', async (_, body, contentType) => {
    const response = await post(body, { 'content-type': contentType });
    expect(await response.json()).toMatchObject({ results: [{ id: '0' }] });
    expect(response.status).toBe(200);
  });

  it('without a boundary, or cut short, is refused', async () => {
    for (const [body, contentType] of [
      [form(quoted), 'multipart/form-data'],
      [form(quoted).slice(0, -12), 'multipart/form-data; boundary=XX'],
    ] as const) {
      const response = await post(body, { 'content-type': contentType });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ type: 'urn:doppel:problem:malformed-request' });
    }
  });
});

describe('content codings', () => {
  const headers = (coding: string) => ({ 'content-type': 'application/json', 'content-encoding': coding });

  it.each([
    ['gzip', gzipSync(json)],
    ['GZIP', gzipSync(json)],
    ['deflate', deflateSync(json)],
    ['identity', json],
  ])('%s', async (coding, body) => {
    const response = await post(body, headers(coding));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ score: 2 });
  });

  it('that are not known are named', async () => {
    const response = await post(json, headers('br'));
    expect(response.status).toBe(415);
    expect(response.headers.get('accept-encoding')).toBe('gzip, deflate, identity');
    expect(await response.json()).toMatchObject({ found: '"br"' });
  });

  it('count their bytes after decompression', async () => {
    const response = await post(gzipSync(new Uint8Array(2_000_000)), headers('gzip'), { maxBytes: 1_000_000 });
    expect(response.status).toBe(413);
  });

  it('that are broken are refused', async () => {
    expect((await post(json, headers('gzip'))).status).toBe(400);
  });
});

it('HTTP/1.0 without Host is answered, as health checks of proxies ask', async () => {
  const { fetch } = appWith();
  const listening = await listenNode({ fetch, host: '127.0.0.1', port: 0, timeoutMs: 5000 });
  const { port } = new URL(listening.url);
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET /healthz HTTP/1.0\r\n\r\n'));
    socket.on('data', (chunk) => (text += chunk));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  await listening.close(100);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});
