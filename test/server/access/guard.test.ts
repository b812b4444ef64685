/** A server with keys: every route asks for what it needs, by every method; limits hold; metrics name keys, never show them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyGuard } from '../../../packages/server/src/access/key_guard.ts';
import { type Key, newKey } from '../../../packages/server/src/access/keys.ts';
import { KeysFile, writeKeys } from '../../../packages/server/src/access/keys_file.ts';
import { SCOPES } from '../../../packages/server/src/access/scopes.ts';
import { type App, createApp } from '../../../packages/server/src/app.ts';
import { listenNode } from '../../../packages/server/src/runtime/listen_node.ts';
import { prometheusMetrics } from '../../../packages/server/src/runtime/prometheus.ts';
import { fakeScorer, soleModel } from '../fake_scorer.ts';

const folder = mkdtempSync(join(tmpdir(), 'doppel-guard-'));
afterAll(() => rmSync(folder, { recursive: true }));

const keys: Record<string, string> = {};
let app: App;
const log: string[] = [];

async function appWith(...facts: Omit<Key, 'sha256' | 'created'>[]): Promise<App> {
  const made = facts.map((each) => newKey(each));
  for (const { text, key } of made) keys[key.name] = text;
  const file = join(folder, `${Math.random()}.json`);
  await writeKeys(
    file,
    made.map(({ key }) => key),
  );
  const metrics = prometheusMetrics();
  return createApp({
    models: soleModel(fakeScorer()),
    metrics,
    log: (line) => log.push(line),
    guard: new KeyGuard(await KeysFile.open(file, (line) => log.push(line)), metrics),
    reloadModels: async () => ({ models: [] }),
  });
}

beforeAll(async () => {
  app = await appWith(...SCOPES.map((scope) => ({ name: scope, scopes: [scope] })), {
    name: 'all',
    scopes: [...SCOPES],
  });
});

const image = { data: [1, 2, 3, 4], shape: [2, 2] };
const body = JSON.stringify({ sar: image, optical: image });
const ask = (method: string, path: string, key?: string, to = app) =>
  to.request(path, {
    method,
    ...(method === 'POST' && { body }),
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
  });

/** Scope that each route of the OpenAPI document needs. */
const NEEDS: Record<string, string> = {
  'GET /healthz': 'nothing',
  'GET /readyz': 'nothing',
  'GET /v2/health/live': 'nothing',
  'GET /v2/health/ready': 'nothing',
  'GET /v1/model': 'any key',
  'GET /v2': 'any key',
  'GET /v2/models/{model}': 'any key',
  'GET /v2/models/{model}/ready': 'any key',
  'GET /v2/models/{model}/versions/{version}': 'any key',
  'GET /v2/models/{model}/versions/{version}/ready': 'any key',
  'POST /v1/match': 'match',
  'POST /v2/models/{model}/infer': 'match',
  'POST /v2/models/{model}/versions/{version}/infer': 'match',
  'GET /v1/examples': 'any key',
  'GET /v1/examples/{name}/{file}': 'any key',
  'POST /v1/registrations': 'register',
  'GET /v1/registrations': 'register',
  'GET /v1/registrations/{id}': 'register',
  'GET /v1/registrations/{id}/events': 'register',
  'GET /v1/registrations/{id}/files/{name}': 'register',
  'DELETE /v1/registrations/{id}': 'register',
  'GET /v1/galleries': 'search',
  'GET /v1/galleries/{name}/pictures/{tile}': 'search',
  'POST /v1/search': 'search',
  'GET /metrics': 'admin',
  'POST /v1/admin/reload': 'admin',
};

it('asks on every route for what it needs, by HEAD as by GET', async () => {
  const { paths } = await (await app.request('/openapi.json')).json();
  const routes = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(routes.sort()).toEqual(Object.keys(NEEDS).sort());
  for (const route of routes) {
    const need = NEEDS[route]!;
    const [method, template] = route.split(' ') as [string, string];
    const path = template.replace('{model}', 'pair').replace('{version}', 'f'.repeat(12));
    for (const each of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
      const statusOf = async (key?: string) => (await ask(each, path, key)).status;
      const isRefused = (status: number) => status === 401 || status === 403;
      if (need === 'nothing') {
        expect(isRefused(await statusOf()), route).toBe(false);
        continue;
      }
      expect(await statusOf(), `${each} ${path}`).toBe(401);
      expect(await statusOf('doppel_guess')).toBe(401);
      for (const scope of SCOPES) {
        const admitted = need === 'any key' || need === scope;
        expect((await statusOf(keys[scope])) === 403, `${each} ${path} with ${scope}`).toBe(!admitted);
        if (admitted) expect(isRefused(await statusOf(keys[scope]))).toBe(false);
      }
      expect(isRefused(await statusOf(keys.all))).toBe(false);
    }
  }
});

it('says in the document which scope a route needs', async () => {
  const { paths, components } = await (await app.request('/openapi.json')).json();
  expect(components.securitySchemes.key).toEqual({ type: 'http', scheme: 'bearer' });
  expect(paths['/v1/match'].post.security).toEqual([{ key: ['match'] }, {}]);
  expect(paths['/v1/model'].get.security).toEqual([{ key: [] }, {}]);
  expect(paths['/healthz'].get.security).toBeUndefined();
});

it('describes the answers to refused callers, problem documents but under /v2', async () => {
  const { paths } = await (await app.request('/openapi.json')).json();
  for (const [route, need] of Object.entries(NEEDS)) {
    const [method, path] = route.split(' ') as [string, string];
    const { responses } = paths[path][method.toLowerCase()];
    const described = ['401', '403', '429'].filter((status) => status in responses);
    const expected = need === 'nothing' ? [] : need === 'any key' ? ['401', '429'] : ['401', '403', '429'];
    expect(described, route).toEqual(expected);
    for (const status of described) {
      const [type, schema] = path.startsWith('/v2')
        ? ['application/json', 'InferError']
        : ['application/problem+json', 'Problem'];
      expect(responses[status].content).toEqual({ [type]: { schema: { $ref: `#/components/schemas/${schema}` } } });
    }
  }
});

it('takes a key from the header Authorization alone', async () => {
  const refused = await ask('POST', '/v1/match');
  expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="doppel"');
  expect(await refused.json()).toMatchObject({ type: 'urn:doppel:problem:unauthorised', status: 401 });
  const wrong = await ask('POST', '/v1/match', 'wrong');
  expect(wrong.headers.get('www-authenticate')).toMatch(/invalid_token/);
  const header = (authorization: string, path = '/v1/model') => app.request(path, { headers: { authorization } });
  for (const text of [keys.match!, `Basic ${keys.match}`, `Bearer ${keys.match} x`, `Bearer${keys.match}`, 'Bearer ']) {
    expect((await header(text)).status, text).toBe(401);
  }
  expect((await header(`bearer ${keys.match}`)).status).toBe(200);
  expect((await header('', `/v1/model?key=${keys.match}`)).status).toBe(401);
});

it('refuses clients of the Open Inference Protocol in their words', async () => {
  const refused = await ask('POST', '/v2/models/pair/infer', keys.search);
  expect(refused.status).toBe(403);
  expect(await refused.json()).toEqual({ error: expect.stringMatching(/scope match.*search/) });
});

describe('limits', () => {
  it('counts requests in a minute by key', async () => {
    const to = await appWith(
      { name: 'slow', scopes: ['match'], requestsPerMinute: 2 },
      { name: 'free', scopes: ['match'] },
    );
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask('POST', '/v1/match', keys.slow, to)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    const refused = await ask('POST', '/v1/match', keys.slow, to);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await refused.json()).toMatchObject({ type: 'urn:doppel:problem:rate-limited' });
    expect((await ask('POST', '/v1/match', keys.free, to)).status).toBe(200);
  });

  const send = (to: App, size: number, isAnnounced: boolean) => {
    const bytes = new TextEncoder().encode(body.padEnd(size, ' '));
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
    const init = { method: 'POST', body: isAnnounced ? bytes : chunked, duplex: 'half' } as RequestInit;
    const length = isAnnounced ? { 'content-length': `${size}` } : {};
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keys.small}`, ...length };
    return to.request(new Request('http://x/v1/match', { ...init, headers }));
  };

  it.each([
    ['announced', true],
    ['not announced', false],
  ])('counts bytes in a day by key, %s', async (_, isAnnounced) => {
    const to = await appWith({ name: 'small', scopes: ['match', 'admin'], bytesPerDay: 1000 });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await send(to, 400, isAnnounced)).status);
    expect(statuses).toEqual(isAnnounced ? [200, 200, 429, 429] : [200, 200, 200, 429]); // the third went beyond
    const refused = await send(to, 400, isAnnounced);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(80_000);
    expect(await refused.json()).toMatchObject({ type: 'urn:doppel:problem:quota-exceeded' });
    const text = await (await ask('GET', '/metrics', keys.small, to)).text();
    expect(text).toMatch(new RegExp(`^doppel_key_bytes_total\\{key="small"\\} ${isAnnounced ? 800 : 1200}$`, 'm'));
  });

  it('counts no bytes that were announced and never came', async () => {
    const to = await appWith({ name: 'small', scopes: ['match', 'admin'], bytesPerDay: 1000 });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keys.small}` };
    const broken = () => new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
    const post = (sent: BodyInit, more: Record<string, string>) => {
      const init = { method: 'POST', body: sent, duplex: 'half', headers: { ...headers, ...more } } as RequestInit;
      return to.request(new Request('http://x/v1/match', init));
    };
    for (let i = 0; i < 3; i++) {
      expect((await post(broken(), { 'content-length': '900' })).status).toBe(400);
      expect((await post(body, { 'content-length': '900', 'content-type': 'text/plain' })).status).toBe(415);
    }
    expect((await send(to, 400, true)).status).toBe(200);
    expect((await post(body, { 'content-length': '1001' })).status).toBe(429);
    const zipped = gzipSync(body);
    const coded = { 'content-length': `${zipped.length}`, 'content-encoding': 'gzip' };
    expect((await post(zipped, coded)).status).toBe(200);
    const text = await (await ask('GET', '/metrics', keys.small, to)).text();
    expect(text).toMatch(new RegExp(`^doppel_key_bytes_total\\{key="small"\\} ${400 + zipped.length}$`, 'm'));
  });

  it.each([
    ['whole', {}],
    ['compressed', { 'content-encoding': 'gzip' }],
  ])('counts what comes over a connection of Node, %s', async (_, coding) => {
    const to = await appWith({ name: 'wired', scopes: ['match', 'admin'], bytesPerDay: 1000 });
    const options = { fetch: (each: Request) => to.fetch(each), port: 0, host: '127.0.0.1', timeoutMs: 10_000 };
    const server = await listenNode(options);
    const sent = 'content-encoding' in coding ? gzipSync(body) : body;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${keys.wired}`, ...coding };
    const answer = await fetch(`${server.url}/v1/match`, { method: 'POST', body: sent, headers });
    const text = await (await ask('GET', '/metrics', keys.wired, to)).text();
    await server.close(0);
    expect(answer.status).toBe(200);
    expect(text).toMatch(new RegExp(`^doppel_key_bytes_total\\{key="wired"\\} ${sent.length}$`, 'm'));
  });
});

it('names keys in metrics and never shows them, nor in answers or the log', async () => {
  const to = await appWith({ name: 'shown', scopes: [...SCOPES] });
  const answers = [];
  for (const path of ['/v1/model', '/nowhere', '/metrics'])
    answers.push(await (await ask('GET', path, keys.shown, to)).text());
  answers.push(await (await ask('GET', '/metrics', keys.shown, to)).text());
  expect(answers.at(-1)).toMatch(/^doppel_key_requests_total\{key="shown",status="200"\} \d+$/m);
  for (const text of [...answers, log.join()]) expect(text).not.toContain(keys.shown!.slice(7));
});

describe('pages of other origins', () => {
  const preflight = (to: App, origin: string) =>
    to.request('/v1/match', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });

  it('are refused unless they are named', async () => {
    expect((await preflight(app, 'https://a.example')).status).toBe(405);
    const plain = await app.request('/healthz', { headers: { origin: 'https://a.example' } });
    expect(plain.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('may call where they are named, with a key all the same', async () => {
    const base = { models: soleModel(fakeScorer()) };
    const to = createApp({ ...base, cors: ['https://a.example', 'https://b.example'] });
    const allowed = await preflight(to, 'https://b.example');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://b.example');
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/authorization/i);
    expect((await preflight(to, 'https://evil.example')).headers.has('access-control-allow-origin')).toBe(false);
    const all = createApp({ ...base, cors: ['*'] });
    expect((await preflight(all, 'https://c.example')).headers.get('access-control-allow-origin')).toBe('*');
  });
});
