/** The app over a fake scorer: every route, each form of a request, each way that it can fail. */

import { beforeEach, describe, expect, it } from 'vitest';
import { type App, createApp } from '../../packages/server/src/app.ts';
import { type Limits, limitsFrom } from '../../packages/server/src/body/limits.ts';
import { OverloadError, ServerError } from '../../packages/server/src/errors.ts';
import { prometheusMetrics } from '../../packages/server/src/runtime/prometheus.ts';
import { Models } from '../../packages/server/src/scoring/models.ts';
import { type FakeScorer, fakeScorer, SERVED, soleModel } from './fake_scorer.ts';

let scorer: FakeScorer;
let log: string[];

beforeEach(() => {
  scorer = fakeScorer();
  log = [];
});

const appWith = (limits: Partial<Limits> = {}): App =>
  createApp({
    models: soleModel(scorer),
    limits: limitsFrom(limits),
    metrics: prometheusMetrics(),
    log: (line) => log.push(line),
  });

/** A flat image of one value, 2 × 2. */
const image = (value: number) => ({ data: [value, value, value, value], shape: [2, 2] });
const pair = (sar: number, optical: number, id?: string) => ({
  ...(id !== undefined && { id }),
  sar: image(sar),
  optical: image(optical),
});

const postJson = (app: App, body: unknown, headers: Record<string, string> = {}) =>
  app.request('/v1/match', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

const file = (bytes: number, name = 'a.png') => new File([new Uint8Array(bytes)], name);

function postForm(app: App, parts: [string, string | File][]) {
  const body = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') body.append(name, value);
    else body.append(name, value, value.name);
  }
  return app.request('/v1/match', { method: 'POST', body });
}

/** The body of an answer that must be a problem document of this type and status. */
async function problemIn(response: Response, name: string, status: number) {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = await response.json();
  expect(problem).toMatchObject({ type: `urn:doppel:problem:${name}`, status, requestId: expect.any(String) });
  expect(response.status).toBe(status);
  expect(problem.title.length).toBeGreaterThan(0);
  expect(problem.detail.length).toBeGreaterThan(0);
  return problem;
}

describe('JSON', () => {
  it('scores one pair, and has its score at the top level too', async () => {
    const response = await postJson(appWith(), pair(3, 1));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-request-id')).toMatch(/\S/);
    const score = { score: 2, probability: 1 / (1 + Math.exp(-2)), match: true, threshold: 0.5 };
    expect(await response.json()).toEqual({
      ...score,
      results: [{ id: '0', ...score }],
      ...{ backend: 'cpu', model: 'fake.safetensors', modelFingerprint: 'f'.repeat(64) },
    });
  });

  it('scores many in their order, under their ids', async () => {
    const pairs = [pair(3, 1, 'a'), pair(1, 3), pair(5, 1, 'c')];
    const answer = await (await postJson(appWith(), { pairs })).json();
    expect(answer.results.map((each: { id: string; score: number }) => [each.id, each.score])).toEqual([
      ['a', 2],
      ['1', -2],
      ['c', 4],
    ]);
    expect(answer).not.toHaveProperty('score');
    expect(scorer.calls).toHaveLength(1);
  });

  it('takes nested arrays, bands, base64 and missing samples for what they are', async () => {
    const floats = new Float32Array([1, 2, 3, 4]);
    const base64 = Buffer.from(floats.buffer).toString('base64');
    const forms = [
      { data: [1, 2, 3, 4] },
      {
        data: [
          [1, 2],
          [3, 4],
        ],
      },
      [
        [1, 2],
        [3, 4],
      ],
      {
        data: [
          [[1], [2]],
          [[3], [4]],
        ],
        shape: [2, 2, 1],
      },
      { data: base64, shape: [2, 2], unit: 'dB' },
    ];
    const pairs = forms.map((sar) => ({ sar, optical: image(1) }));
    expect((await postJson(appWith(), { pairs })).status).toBe(200);
    for (const { sar } of scorer.calls[0]!) {
      expect(sar).toMatchObject({ kind: 'samples', data: floats, height: 2, width: 2, bands: 1 });
    }
    expect(scorer.calls[0]![4]!.sar.unit).toBe('dB');

    const optical = {
      data: [
        [
          [1, 2, 3],
          [null, 5, 6],
        ],
      ],
    };
    await postJson(appWith(), { sar: { data: [1, 2], shape: [1, 2] }, optical });
    expect(scorer.calls[1]![0]!.optical).toMatchObject({
      ...{ height: 1, width: 2, bands: 3 },
      data: new Float32Array([1, 2, 3, Number.NaN, 5, 6]),
    });
  });

  it('gives each bad pair its own problem, and the others their scores', async () => {
    const pairs = [
      pair(3, 1, 'good'),
      { id: 'typo', sar: image(1), optcal: image(1) },
      { id: 'short', sar: { data: [1, 2, 3], shape: [2, 2] }, optical: image(1) },
      { id: 'text', sar: { data: [1, 'x', 3, 4] }, optical: image(1) },
      { id: 'unshaped', sar: { data: [1, 2, 3, 4, 5] }, optical: image(1) },
      {
        id: 'ragged',
        sar: {
          data: [[1, 2], [3]],
        },
        optical: image(1),
      },
      { id: 'unusable', sar: image(1), optical: { data: [1] } },
      'not a pair',
      { id: 'base64', sar: { data: '%%%' }, optical: image(1) },
      { id: 'large', sar: { data: new Array(25).fill(1) }, optical: image(1) },
      pair(1, 3, 'also good'),
    ];
    const response = await postJson(appWith({ maxPixels: 16 }), { pairs });
    expect(response.status).toBe(200);
    const { results } = await response.json();
    expect(results.map((each: { id: string }) => each.id)).toEqual([
      ...['good', 'typo', 'short', 'text', 'unshaped', 'ragged', 'unusable', '7', 'base64', 'large', 'also good'],
    ]);
    const types = results.map((each: { error?: { type: string } }) => each.error?.type.split(':').at(-1));
    expect(types).toEqual([
      undefined,
      ...Array(5).fill('malformed-pair'),
      ...['unusable-image', 'malformed-pair', 'malformed-pair', 'payload-too-large'],
      undefined,
    ]);
    expect(results[1].error.detail).toMatch(/optcal/);
    const files = results.map((each: { error?: { file?: string } }) => each.error?.file);
    expect(files.slice(0, 6)).toEqual([undefined, undefined, ...Array(4).fill('sar')]); // a typo is of neither
    expect(results[2].error).toMatchObject({ expected: '4 samples for the shape [2,2,1]', found: '3', status: 400 });
    expect(results[10].score).toBe(-2);
  });

  it('asks for maps where they are wanted, over a window if there is one', async () => {
    const pairs = [pair(1, 3, 'a'), { ...pair(1, 3, 'b'), window: image(2) }];
    for (const [query, wishes] of [
      ['', [false, false]],
      ['?map=false', [false, false]],
      ['?map=true', [true, true]],
    ] as const) {
      const headers = { 'content-type': 'application/json' };
      await appWith().request(`/v1/match${query}`, { method: 'POST', body: JSON.stringify({ pairs }), headers });
      expect(scorer.calls.at(-1)!.map((each) => 'map' in each)).toEqual(wishes);
    }
    expect(scorer.calls.at(-1)!.map(({ map }) => map?.window?.name)).toEqual([undefined, 'window']);
  });

  it('answers with the problem of the only pair, or with one for all, where none has a score', async () => {
    const bad = { sar: image(1), optical: { data: [1] } };
    const single = await problemIn(await postJson(appWith(), bad), 'unusable-image', 422);
    expect(single.results).toHaveLength(1);
    const many = await problemIn(await postJson(appWith(), { pairs: [bad, bad] }), 'no-pair-scored', 422);
    expect(many.results.map((each: { error: { status: number } }) => each.error.status)).toEqual([422, 422]);
    await problemIn(await postJson(appWith(), { sar: image(1), optcal: image(1) }), 'malformed-pair', 400);
  });

  it.each([
    ['{"pairs": [', /JSON/],
    ['[]', /an array/],
    ['null', /null/],
    ['{}', /"sar" and "optical"/],
    ['{"pairs": 3}', /"pairs", an array/],
    ['{"pairs": []}', /no pair/],
    ['{"pairs": [], "extra": 1}', /extra/],
    ['{"images": []}', /images/],
  ])('refuses %s as a whole', async (body, detail) => {
    const problem = await problemIn(await postJson(appWith(), body), 'malformed-request', 400);
    expect(problem.detail).toMatch(detail);
    expect(scorer.calls).toHaveLength(0);
  });

  it('refuses what is not UTF-8', async () => {
    const body = new Uint8Array([0x7b, 0xff, 0x7d]);
    const headers = { 'content-type': 'application/json' };
    await problemIn(await appWith().request('/v1/match', { method: 'POST', body, headers }), 'malformed-request', 400);
  });
});

describe('multipart', () => {
  it('scores one pair of files', async () => {
    const response = await postForm(appWith(), [
      ['sar', file(5, 'sar.tif')],
      ['optical', file(3)],
    ]);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ score: 2, results: [{ id: '0', score: 2 }] });
    expect(scorer.calls[0]![0]!.sar).toMatchObject({ kind: 'file', name: 'sar.tif' });
  });

  it('pairs repeated fields by order', async () => {
    const response = await postForm(appWith(), [
      ...[5, 6, 7].map((size): [string, File] => ['sar', file(size)]),
      ...[1, 2, 9].map((size): [string, File] => ['optical', file(size)]),
      ...['a', 'b', 'c'].map((id): [string, string] => ['id', id]),
      ['sarUnit', 'amplitude'],
    ]);
    const { results } = await response.json();
    expect(results.map(({ id, score }: { id: string; score: number }) => [id, score])).toEqual([
      ['a', 4],
      ['b', 4],
      ['c', -2],
    ]);
    expect(scorer.calls[0]!.map(({ sar, optical }) => [sar.unit, optical.unit])).toEqual(
      Array(3).fill(['amplitude', undefined]),
    );
  });

  it('pairs numbered fields by number, and a missing half costs its pair only', async () => {
    const response = await postForm(appWith(), [
      ['optical[7]', file(1)],
      ['sar[10]', file(9)],
      ['sar[7]', file(4)],
      ['id[7]', 'seven'],
      ['optical[10]', file(1)],
      ['sar[8]', file(4)],
      ['sar[9]', 'a.png'],
      ['optical[9]', file(4)],
    ]);
    const { results } = await response.json();
    expect(results.map((each: { id: string; score?: number }) => [each.id, each.score])).toEqual([
      ['seven', 3],
      ['8', undefined],
      ['9', undefined],
      ['10', 8],
    ]);
    expect(results[1].error.detail).toMatch(/"optical"/);
    expect(results[2].error.remedy).toMatch(/@/);
    expect(results.map((each: { error?: { file?: string } }) => each.error?.file)).toEqual([
      ...[undefined, 'optical', 'sar', undefined],
    ]);
  });

  it.each<[string, [string, string | File][], RegExp]>([
    ['nothing', [], /no pair|form/],
    [
      'unequal numbers of images',
      [
        ['sar', file(1)],
        ['sar', file(1)],
        ['optical', file(1)],
      ],
      /2 "sar" and 1 "optical"/,
    ],
    [
      'an unknown field',
      [
        ['sar', file(1)],
        ['optcal', file(1)],
      ],
      /optcal/,
    ],
    [
      'both kinds of fields',
      [
        ['sar', file(1)],
        ['optical[0]', file(1)],
      ],
      /both/,
    ],
    [
      'too few ids',
      [
        ['sar', file(1)],
        ['optical', file(1)],
        ['id', 'a'],
        ['id', 'b'],
      ],
      /2 for 1/,
    ],
    [
      'a unit that is none',
      [
        ['sar', file(1)],
        ['optical', file(1)],
        ['sarUnit', 'decibel'],
      ],
      /decibel/,
    ],
    [
      'a number twice',
      [
        ['sar[0]', file(1)],
        ['sar[0]', file(1)],
      ],
      /twice/,
    ],
  ])('refuses %s', async (_, parts, detail) => {
    const problem = await problemIn(await postForm(appWith(), parts), 'malformed-request', 400);
    expect(problem.detail).toMatch(detail);
  });

  it('refuses a body that does not parse', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const cut = '--x\r\nContent-Disposition: form-data; name="sar"; filename="a"\r\n\r\nabc';
    await problemIn(
      await appWith().request('/v1/match', { method: 'POST', body: cut, headers }),
      'malformed-request',
      400,
    );
    const noBoundary = { 'content-type': 'multipart/form-data' };
    const response = await appWith().request('/v1/match', { method: 'POST', body: 'x', headers: noBoundary });
    await problemIn(response, 'malformed-request', 400);
  });
});

describe('limits', () => {
  it('refuses too many bytes, announced or not', async () => {
    const app = appWith({ maxBytes: 100 });
    const body = JSON.stringify({ pairs: 'x'.repeat(200) });
    await problemIn(await postJson(app, body, { 'content-length': `${body.length}` }), 'payload-too-large', 413);
    await problemIn(await postJson(app, body), 'payload-too-large', 413);
    const headers = { 'content-type': 'application/json' };
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64)) });
    const request = new Request('http://x/v1/match', {
      method: 'POST',
      body: endless,
      headers,
      duplex: 'half',
    } as RequestInit);
    await problemIn(await app.request(request), 'payload-too-large', 413);
  });

  it('refuses too many pairs', async () => {
    const app = appWith({ maxPairs: 2 });
    const many = { pairs: [pair(1, 1), pair(1, 1), pair(1, 1)] };
    expect((await problemIn(await postJson(app, many), 'payload-too-large', 413)).found).toBe('3');
    const form = [0, 1, 2].flatMap((i): [string, File][] => [
      [`sar[${i}]`, file(1)],
      [`optical[${i}]`, file(1)],
    ]);
    await problemIn(await postForm(app, form), 'payload-too-large', 413);
  });

  it('refuses other content types', async () => {
    const app = appWith();
    for (const type of ['text/plain', 'image/png', 'application/x-www-form-urlencoded']) {
      await problemIn(await postJson(app, 'x', { 'content-type': type }), 'unsupported-media-type', 415);
    }
    await problemIn(await app.request('/v1/match', { method: 'POST' }), 'unsupported-media-type', 415);
  });

  it.each([
    ['with metrics', () => appWith({ maxRequests: 1 })],
    ['without metrics', () => createApp({ models: soleModel(scorer), limits: limitsFrom({ maxRequests: 1 }) })],
  ])('refuses requests over maxRequests and accepts new ones afterwards, %s', async (_, make) => {
    const app = make();
    let open = () => {};
    scorer.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = postJson(app, pair(3, 1));
    const second = await postJson(app, pair(3, 1));
    await problemIn(second, 'overloaded', 503);
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    open();
    expect((await first).status).toBe(200);
    expect((await postJson(app, pair(3, 1))).status).toBe(200);
  });

  it('passes on that the queue is full', async () => {
    scorer.failure = new OverloadError({ action: 'queue', retryAfterSeconds: 7 });
    const response = await postJson(appWith(), pair(3, 1));
    await problemIn(response, 'overloaded', 503);
    expect(response.headers.get('retry-after')).toBe('7');
  });

  it('gives up what takes too long to score or to arrive', async () => {
    const app = appWith({ timeoutMs: 30 });
    scorer.gate = new Promise(() => {});
    await problemIn(await postJson(app, pair(3, 1)), 'timeout', 504);
    const headers = { 'content-type': 'application/json' };
    const silent = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([0x7b])) });
    const request = new Request('http://x/v1/match', {
      method: 'POST',
      body: silent,
      headers,
      duplex: 'half',
    } as RequestInit);
    await problemIn(await app.request(request), 'request-timeout', 408);
  });

  it('gives up when the client goes away', async () => {
    scorer.gate = new Promise(() => {});
    const client = new AbortController();
    const request = new Request('http://x/v1/match', {
      ...{ method: 'POST', body: JSON.stringify(pair(3, 1)), signal: client.signal },
      headers: { 'content-type': 'application/json' },
    });
    const response = appWith().request(request);
    setTimeout(() => client.abort(), 10);
    expect((await response).status).toBe(499);
  });
});

describe('several models', () => {
  it('scores with the model that is named, by default with the first', async () => {
    const other = fakeScorer({ ...SERVED, name: 'other.safetensors' });
    const models = new Models([
      ['first', scorer],
      ['second', other],
    ]);
    const app = createApp({ models });
    const post = (query: string) =>
      app.request(`/v1/match${query}`, {
        ...{ method: 'POST', body: JSON.stringify(pair(3, 1)) },
        headers: { 'content-type': 'application/json' },
      });
    expect(await (await post('')).json()).toMatchObject({ model: 'fake.safetensors' });
    expect(await (await post('?model=second')).json()).toMatchObject({ model: 'other.safetensors' });
    expect([scorer.calls.length, other.calls.length]).toEqual([1, 1]);
    const unknown = await problemIn(await post('?model=third'), 'not-found', 404);
    expect(unknown.expected).toBe('first, second');
    const described = await (await app.request('/v1/model?model=second')).json();
    expect(described).toMatchObject({ name: 'second', models: ['first', 'second'], model: 'other.safetensors' });
    await problemIn(await post('?model=first&model=second'), 'malformed-request', 400);
    other.isReady = false;
    await problemIn(await post('?model=second'), 'not-ready', 503);
    expect((await post('?model=first')).status).toBe(200);
    await problemIn(await app.request('/readyz'), 'not-ready', 503);
  });
});

describe('the other routes', () => {
  it('describes the model', async () => {
    const response = await appWith().request('/v1/model');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      ...{ model: 'fake.safetensors', fingerprint: 'f'.repeat(64), preset: 'paper-bn', side: 64 },
      ...{ channels: { sar: 1, optical: 1 }, threshold: 0.5, backend: 'cpu', version: '0.1.0' },
      ...{ normalisation: { sar: { unit: 'dB' } }, limits: { maxPairs: 64 } },
    });
  });

  it('is alive before it is ready', async () => {
    const app = appWith();
    scorer.isReady = false;
    expect((await app.request('/healthz')).status).toBe(200);
    for (const path of ['/readyz', '/v1/model']) await problemIn(await app.request(path), 'not-ready', 503);
    const refused = await postJson(app, pair(3, 1));
    await problemIn(refused, 'not-ready', 503);
    expect(refused.headers.get('retry-after')).toBe('1');
    scorer.isReady = true;
    expect((await app.request('/readyz')).status).toBe(200);
  });

  it('is not ready while it shuts down, but finishes what it has', async () => {
    const app = createApp({ models: soleModel(scorer), isDraining: () => true });
    await problemIn(await app.request('/readyz'), 'not-ready', 503);
    expect((await postJson(app, pair(3, 1))).status).toBe(200);
  });

  it('answers unknown paths and methods with problems', async () => {
    const app = appWith();
    await problemIn(await app.request('/nowhere'), 'not-found', 404);
    const wrong = await app.request('/v1/match');
    await problemIn(wrong, 'method-not-allowed', 405);
    expect(wrong.headers.get('allow')).toBe('POST');
  });

  it('keeps the reason of its own failures in the log', async () => {
    scorer.failure = new ServerError({ action: 'score', found: 'a secret path' });
    const response = await postJson(appWith(), pair(3, 1), { 'x-request-id': 'my-request' });
    const problem = await problemIn(response, 'internal-error', 500);
    expect(JSON.stringify(problem)).not.toMatch(/secret/);
    expect(problem.requestId).toBe('my-request');
    expect(response.headers.get('x-request-id')).toBe('my-request');
    expect(log.join('\n')).toMatch(/my-request.*secret/s);
    scorer.failure = undefined;
    expect((await postJson(appWith(), pair(3, 1))).status).toBe(200);
  });

  it('counts', async () => {
    const app = appWith();
    await postJson(app, { pairs: [pair(3, 1), pair(0, 0)] });
    await app.request('/nowhere');
    await app.request('/somewhere/else');
    await app.request('/v1/match');
    const text = await (await app.request('/metrics')).text();
    expect(text).toMatch(/^doppel_pairs_total\{outcome="scored"\} 1$/m);
    expect(text).toMatch(/^doppel_pairs_total\{outcome="failed"\} 1$/m);
    expect(text).toMatch(
      /^doppel_http_request_duration_seconds_count\{method="POST",route="\/v1\/match",status="200"\} 1$/m,
    );
    expect(text).toMatch(
      /^doppel_http_request_duration_seconds_count\{method="other",route="other",status="404"\} 2$/m,
    );
    expect(text.match(/^doppel_problems_total.*$/gm)).toEqual([
      'doppel_problems_total{type="urn:doppel:problem:not-found"} 2',
      'doppel_problems_total{type="urn:doppel:problem:method-not-allowed"} 1',
    ]);
    expect(text).toMatch(/^doppel_match_requests_in_progress 0$/m);
  });

  it('has no metrics where nobody keeps them', async () => {
    const app = createApp({ models: soleModel(scorer) });
    expect((await app.request('/metrics')).status).toBe(404);
    const { paths } = await (await app.request('/openapi.json')).json();
    expect(paths).not.toHaveProperty('/metrics');
  });
});
