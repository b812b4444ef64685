/**
 * Hostile requests by a grammar: every route of the OpenAPI document and none, each form of a body nearly right, bent, cut or
 * replaced by noise, with headers to match or not. What must hold is in `faultOf`.
 */
import { request } from 'node:http';
import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';

export interface HostileRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Uint8Array;
  /** Place and value of a byte of the request that is changed on its way; null: it is sent by a proper client. */
  damage: [place: number, value: number] | null;
}

export interface Answer {
  /** 0: the connection ended without an answer. */
  status: number;
  contentType: string;
  text: string;
}

/** Bodies and keys that a grammar can bend. */
export interface Seeds {
  /** Methods and paths as the OpenAPI document has them: "GET /v2". */
  routes: readonly string[];
  /** Known key, and one without scopes that matter. */
  keys: readonly string[];
  /** Images, good ones. */
  files: readonly Uint8Array[];
  models: readonly string[];
  /** Registrations and their files. */
  jobs: readonly string[];
  version: string;
  side: number;
}

const encode = (text: string) => new TextEncoder().encode(text);
const concat = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });
const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 0, 1e308, 2 ** 53, -0.5, '', '__proto__', 'constructor', '\ud800', [], {}),
  fc.jsonValue({ maxDepth: 3 }),
);
/** Mostly the right value, sometimes an odd one. */
const mostly = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<T | unknown> =>
  fc.oneof({ weight: 9, arbitrary: right as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd });

/** The value once in `n` times, else null. */
const sometimes = <T>(n: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: n - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });

/** The value but for once in `n` times. */
const sometimesNot = <T>(n: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: n - 1, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });

const nested = fc.nat(3000).map((depth) => '['.repeat(depth) + ']'.repeat(depth));

const length = (side: number) => fc.constantFrom(side, side, side, 1, 2, 8, 0, -1, 32, 40, 96, 1000, 0.5, 1e15);

/** Samples that fit a shape, or do not. */
const samples = (count: number) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.double({ noNaN: true }).map((value) => Array(count).fill(value)) },
    { weight: 2, arbitrary: fc.integer({ min: -1, max: 300 }).map((value) => Array(count).fill(value)) },
    { weight: 1, arbitrary: fc.constant(Array(count).fill(null)) },
    { weight: 1, arbitrary: fc.array(odd, { maxLength: 9 }) },
    { weight: 1, arbitrary: fc.base64String() },
  );

const unit = fc.constantFrom('dB', 'amplitude', 'intensity', 'reflectance', 'decibel');

function pairBody({ side }: Seeds): fc.Arbitrary<Uint8Array> {
  const image = fc.oneof(
    fc.record(
      { data: mostly(samples(side * side)), shape: mostly(fc.constant([side, side])), unit: mostly(unit) },
      { requiredKeys: ['data'] },
    ),
    samples(side * side),
    odd,
  );
  const pair = fc.record(
    { id: odd, sar: image, optical: image, window: image, extra: odd },
    { requiredKeys: ['sar', 'optical'] },
  );
  return fc
    .oneof(pair, fc.record({ pairs: mostly(fc.array(pair, { maxLength: 4 })) }), odd)
    .map((json) => encode(JSON.stringify(json) ?? ''));
}

/** Pairs that a matcher would score, often with a window, which it may refuse. */
function matchBody({ side }: Seeds): fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }> {
  const square = (long: number) =>
    fc.nat(9).map((first) => ({ data: Array.from({ length: long * long }, (_, i) => (first + i * i) % 10) }));
  const window = fc.constantFrom(side, side + 8, side + 8, side + 12, 264).chain(square);
  const pair = fc.record(
    { sar: square(side), optical: square(side), window: mostly(window) },
    { requiredKeys: ['sar', 'optical'] },
  );
  return fc
    .array(pair, { minLength: 1, maxLength: 2 })
    .map((pairs) => ({ body: encode(JSON.stringify({ pairs })), headers: { 'content-type': 'application/json' } }));
}

/** Tensors in JSON, raw, or both, and the length of the JSON before raw ones. */
function inferBody({ side }: Seeds): fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }> {
  const tensor = fc
    .record({
      name: fc.constantFrom('sar', 'optical', 'sar', 'optical', 'third', '__proto__', ''),
      datatype: fc.constantFrom('FP32', 'FP32', 'FP16', 'UINT8', 'UINT16', 'BF16', 'BYTES', 'toString'),
      shape: fc.tuple(
        fc.constantFrom(1, 1, 2, 0, -1, 2 ** 31, 1e300),
        length(side),
        length(side),
        fc.constantFrom(1, 1, 3, 2, 0),
      ),
      isBinary: fc.boolean(),
      value: fc.double(),
      bend: sometimes(6, fc.tuple(fc.constantFrom('name', 'datatype', 'shape', 'data', 'parameters'), odd)),
      off: fc.constantFrom(0, 0, 0, 0, 0, 1, -1),
    })
    .map(({ name, datatype, shape, isBinary, value, bend, off }) => {
      const bytes =
        new Map([
          ['FP32', 4],
          ['FP16', 2],
          ['UINT16', 2],
        ]).get(datatype) ?? 1;
      const count = shape.reduce((product, each) => product * each, 1);
      const isSmall = Number.isInteger(count) && count > 0 && count < 20_000;
      const elements = isSmall ? count : 4;
      const size = Math.max(0, elements * bytes + off);
      const form = isBinary
        ? { parameters: { binary_data_size: size } }
        : { data: Array(elements).fill(Number.isFinite(value) ? value : null) };
      const json: Record<string, unknown> = { name, datatype, shape, ...form };
      if (bend) json[bend[0]] = bend[1];
      return { json, raw: isBinary ? new Uint8Array(size).fill(value) : new Uint8Array() };
    });
  const output = fc.record({
    name: fc.constantFrom('score', 'probability', 'sar_descriptor', 'optical_descriptor', 'nothing'),
    parameters: mostly(fc.record({ binary_data: mostly(fc.boolean()) })),
  });
  return fc
    .record({
      tensors: fc.array(tensor, { maxLength: 3 }),
      rest: fc.record(
        {
          id: mostly(fc.string()),
          parameters: mostly(fc.record({ binary_data_output: mostly(fc.boolean()) })),
          outputs: mostly(fc.array(output, { maxLength: 3 })),
        },
        { requiredKeys: [] },
      ),
      stated: fc.oneof(
        { weight: 8, arbitrary: fc.constant('true') },
        { weight: 1, arbitrary: fc.constantFrom('none', '-1', '0', '99999999', 'x', '1e2', '5') },
      ),
    })
    .map(({ tensors, rest, stated }) => {
      const head = encode(JSON.stringify({ ...rest, inputs: tensors.map(({ json }) => json) }));
      const raw = concat(tensors.map((each) => each.raw));
      const length = stated === 'true' ? (raw.length > 0 ? `${head.length}` : 'none') : stated;
      return {
        body: concat([head, raw]),
        headers: length === 'none' ? {} : { 'inference-header-content-length': length },
      };
    });
}

const jobSettings = fc.oneof(
  fc.constant<unknown>({}),
  mostly(
    fc.record(
      {
        radius: mostly(fc.constantFrom('scene', '32px', 64, '1e9m', { value: 1, unit: 'px' })),
        cells: mostly(fc.integer({ min: -1, max: 300 })),
        features: mostly(fc.constantFrom('dense', 'gradients', 'both', 'toString')),
        opticalBands: mostly(fc.array(fc.nat(9), { maxLength: 4 })),
        asNamed: mostly(fc.boolean()),
      },
      { requiredKeys: [] },
    ),
  ),
);

const searchFields = {
  gallery: mostly(fc.constantFrom('g', 'other')),
  modality: mostly(fc.constantFrom('sar', 'sar', 'optical')),
  k: mostly(fc.integer({ min: -1, max: 101 })),
  bbox: mostly(fc.array(fc.double({ min: -200, max: 200 }), { minLength: 3, maxLength: 5 })),
};

/** Searches in JSON. */
function searchBody({ side }: Seeds): fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }> {
  const image = fc.oneof(
    fc.record(
      { data: mostly(samples(side * side)), shape: mostly(fc.constant([side, side])), unit: mostly(unit) },
      { requiredKeys: ['data'] },
    ),
    samples(side * side),
    odd,
  );
  return fc
    .oneof(fc.record({ image, ...searchFields, extra: odd }, { requiredKeys: ['image'] }), odd)
    .map((json) => ({ body: encode(JSON.stringify(json) ?? ''), headers: { 'content-type': 'application/json' } }));
}

/** Searches as forms. */
function searchForm({ files }: Seeds): fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }> {
  const fields = fc.record({ ...searchFields, unit: mostly(unit), image: odd }, { requiredKeys: [] });
  return fc.tuple(fc.constantFrom(...files), sometimes(3, fields)).map(([file, rest]) => ({
    body: concat([
      encode('--XX\r\nContent-Disposition: form-data; name="image"; filename="../a.tif"\r\n\r\n'),
      file,
      ...Object.entries(rest ?? {}).map(([name, value]) =>
        encode(`\r\n--XX\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}`),
      ),
      encode('\r\n--XX--\r\n'),
    ]),
    headers: { 'content-type': 'multipart/form-data; boundary=XX' },
  }));
}

const exampleBody = fc
  .oneof(fc.record({ example: mostly(fc.constantFrom('demo', 'demo', 'other')), settings: jobSettings }), odd)
  .map((json) => encode(JSON.stringify(json) ?? ''));

/** Two files as the form of a registration wants them, of which one may be bent. */
function sceneBody({ files }: Seeds): fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }> {
  const scene = fc.oneof(fc.constantFrom(...files), fc.uint8Array({ maxLength: 50 }));
  return fc.tuple(scene, scene, jobSettings, fc.boolean()).map(([sar, optical, settings, isEnded]) => ({
    body: concat([
      ...[sar, optical].flatMap((bytes, i) => [
        encode(`--XX\r\nContent-Disposition: form-data; name="${i ? 'optical' : 'sar'}"; filename="../a.tif"\r\n\r\n`),
        bytes,
        encode('\r\n'),
      ]),
      encode(`--XX\r\nContent-Disposition: form-data; name="settings"\r\n\r\n${JSON.stringify(settings)}\r\n`),
      encode(isEnded ? '--XX--\r\n' : ''),
    ]),
    headers: { 'content-type': 'multipart/form-data; boundary=XX' },
  }));
}

function formBody({ files }: Seeds): fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }> {
  const file = fc
    .record({
      at: fc.nat(files.length - 1),
      hits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      cut: sometimes(6, fc.nat()),
    })
    .map(({ at, hits, cut }) => {
      const bytes = files[at]!.slice();
      for (const [place, value] of hits) bytes[place % bytes.length] = value;
      return cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
    });
  const name = fc.constantFrom(
    'sar',
    'optical',
    'sar',
    'optical',
    'sar[0]',
    'optical[0]',
    'id',
    'sarUnit',
    'settings',
    'sar[',
    '__proto__',
    '',
  );
  const filename = fc.constantFrom(
    '; filename="a.png"',
    '; filename="../../etc/passwd"',
    "; filename*=utf-8''%ff",
    '; filename="',
    '',
  );
  const part = fc.record({
    name,
    filename,
    content: fc.oneof(
      { weight: 4, arbitrary: file },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }) },
      { weight: 1, arbitrary: jobSettings.map((settings) => encode(JSON.stringify(settings) ?? '')) },
    ),
  });
  const boundary = fc.constantFrom('XX', 'XX', 'XX', 'YY', '', '-'.repeat(80));
  return fc.tuple(fc.array(part, { maxLength: 5 }), boundary, fc.boolean()).map(([parts, stated, isEnded]) => ({
    body: concat([
      ...parts.flatMap(({ name: field, filename: file, content }) => [
        encode(`--XX\r\nContent-Disposition: form-data; name="${field}"${file}\r\n\r\n`),
        content,
        encode('\r\n'),
      ]),
      encode(isEnded ? '--XX--\r\n' : ''),
    ]),
    headers: { 'content-type': `multipart/form-data; boundary=${stated}` },
  }));
}

interface Target {
  method: string;
  path: string;
}

function targetOf({ routes, models, jobs, version: right }: Seeds): fc.Arbitrary<Target> {
  const oddNames = ['other', '%', '%2e%2e', '..%2f..%2fetc', 'a'.repeat(300), '%00', '\u00e9'];
  const model = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...models) },
    { weight: 1, arbitrary: fc.constantFrom(...oddNames) },
  );
  const job = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...jobs) },
    { weight: 1, arbitrary: fc.constantFrom(...oddNames) },
  );
  const files = ['report.html', 'sar.tif', 'optical.tif', 'job.json', '..', '../job.json', ...oddNames];
  const tiles = ['0-0-0-64', '0-8-8-32', '0-99-0-64', '1-0-0-64', '0-0-0-0', '0--1-0-64', ...oddNames];
  const version = fc.constantFrom(right, right, right, '1', '0'.repeat(12), '%', '');
  const queries = [
    '?',
    '?map=yes',
    '?map=true&map=false',
    '?model=',
    '?model=other',
    '?model=x&model=y',
    '?%',
    `?${'a'.repeat(500)}`,
    '?__proto__=1',
  ];
  const query = fc.oneof(
    { weight: 6, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(...queries) },
  );
  const posts = routes.filter((route) => route.startsWith('POST'));
  const known = fc
    .tuple(
      fc.constantFrom(...routes, ...posts, ...posts),
      model,
      version,
      job,
      fc.constantFrom(...files),
      fc.constantFrom(...tiles),
      query,
      fc.constantFrom('', '?map=true'),
    )
    .map(([route, m, v, id, name, tile, q, maps]) => {
      const [method, path] = route.split(' ') as [string, string];
      const names = Object.entries({
        model: m,
        version: v,
        id,
        name: path.includes('examples') ? 'demo' : path.includes('galleries') ? 'g' : name,
        tile,
        file: name,
      });
      const named = names.reduce((said, [part, value]) => said.replace(`{${part}}`, value), path);
      return { method, path: named + (q || (path === '/v1/match' ? maps : '')) };
    });
  const wildPaths = ['/', '//', '/v2//', '/%', '/%ff', '/../../etc/passwd', '/v1/match/', '/V1/MATCH', '/v2/models'];
  const wild = fc.record({
    method: fc.constantFrom('POST', 'GET', 'HEAD', 'PUT'),
    path: fc.oneof(fc.webPath(), fc.constantFrom(...wildPaths, `/${'x'.repeat(5000)}`)),
  });
  const oddMethods = fc.constantFrom('HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'POST', 'GET');
  const target = fc.oneof({ weight: 12, arbitrary: known }, { weight: 1, arbitrary: wild });
  return fc
    .tuple(target, sometimes(10, oddMethods))
    .map(([{ method, path }, other]) => ({ method: other ?? method, path: encodeURI(decodeSafely(path)) }));
}

/** Text as it stands where it is no valid percent encoding. */
function decodeSafely(path: string): string {
  return /[^\x21-\x7e]/.test(path) ? encodeURIComponent(path) : path.replaceAll('%', '%25');
}

/** Requests over the routes and forms that the seeds name. */
export function hostileRequests(seeds: Seeds): fc.Arbitrary<HostileRequest> {
  const json = pairBody(seeds).map((body) => ({ body, headers: { 'content-type': 'application/json' } }));
  const noise = fc.record({
    body: fc.oneof(fc.uint8Array({ maxLength: 500 }), nested.map(encode), fc.constant(new Uint8Array(300_000))),
    headers: fc.constantFrom<Record<string, string>>(
      {},
      { 'content-type': 'application/json' },
      { 'content-type': 'text/plain' },
    ),
  });
  const content = fc.oneof<fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }>[]>(
    json,
    inferBody(seeds),
    formBody(seeds),
    noise,
  );
  /** Bodies that a registration would take, for most of the requests that ask for one. */
  const scenes = sometimesNot(
    4,
    fc.oneof<fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }>[]>(
      sceneBody(seeds),
      exampleBody.map((body) => ({ body, headers: { 'content-type': 'application/json' } })),
    ),
  );
  /** The same of pairs. */
  const matches = sometimesNot(2, matchBody(seeds));
  /** The same of a search. */
  const searches = sometimesNot(
    4,
    fc.oneof<fc.Arbitrary<{ body: Uint8Array; headers: Record<string, string> }>[]>(
      searchBody(seeds),
      searchForm(seeds),
    ),
  );
  const coding = fc.oneof(
    { weight: 6, arbitrary: fc.constant('identity' as const) },
    { weight: 3, arbitrary: fc.constantFrom('gzip', 'deflate') },
    { weight: 1, arbitrary: fc.constantFrom('gzip, but not', 'br', 'gzip, gzip') },
  );
  const extra = fc.dictionary(
    fc.constantFrom(
      'accept',
      'accept-encoding',
      'x-request-id',
      'origin',
      'range',
      'if-none-match',
      'expect',
      'x-forwarded-for',
      'content-type',
      'cookie',
    ),
    fc.oneof(
      fc.constantFrom('gzip', '*/*', '100-continue', 'bytes=1-2', 'bytes=-5', 'bytes=99-', 'a'.repeat(4000)),
      printable,
    ),
    { maxKeys: 3 },
  );
  const authorization = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...seeds.keys).map((key) => `Bearer ${key}`) },
    { weight: 1, arbitrary: fc.constantFrom('', 'Bearer', 'Bearer x', 'Basic eDp5', `Bearer ${'a'.repeat(3000)}`) },
  );
  return fc
    .record({
      target: targetOf(seeds),
      content,
      scenes,
      matches,
      searches,
      coding,
      extra,
      authorization,
      damage: sometimes(8, fc.tuple(fc.nat(), fc.nat(255))),
      cut: sometimes(10, fc.nat()),
    })
    .map(
      ({
        target: { method, path },
        content,
        scenes: fitting,
        matches: pairs,
        searches: search,
        coding: stated,
        extra: more,
        authorization: key,
        damage,
        cut,
      }) => {
        const meant = Object.entries({ '/v1/registrations': fitting, '/v1/search': search, '/v1/match': pairs });
        const { body, headers } = meant.find(([start]) => path.startsWith(start))?.[1] ?? content;
        const whole = cut === null ? body : body.subarray(0, cut % (body.length + 1));
        const isBare = method === 'GET' || method === 'HEAD';
        const coded = stated === 'gzip' ? gzipSync(whole) : stated === 'deflate' ? deflateSync(whole) : whole;
        return {
          ...{ method, path, damage },
          headers: {
            ...headers,
            ...(stated !== 'identity' && { 'content-encoding': stated }),
            ...more,
            authorization: key,
          },
          body: isBare ? new Uint8Array() : new Uint8Array(coded),
        };
      },
    );
}

/** Sends a request to a server on this machine. @throws Error if the server cannot be reached. */
export const send = (port: number, hostile: HostileRequest): Promise<Answer> =>
  hostile.damage ? sendDamaged(port, hostile, hostile.damage) : sendProperly(port, hostile);

const WAIT_MS = 20_000;

function sendProperly(port: number, { method, path, headers, body }: HostileRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { ...cleaned(headers), 'content-length': body.length },
        timeout: WAIT_MS,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            contentType: response.headers['content-type'] ?? '',
            text: Buffer.concat(parts).toString('latin1'),
          }),
        );
        response.on('error', () => resolve({ status: response.statusCode!, contentType: '', text: '' }));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    // A server may answer and hang up before a large body is through.
    sent.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EPIPE' || error.code === 'ECONNRESET'
        ? resolve({ status: 0, contentType: '', text: '' })
        : reject(error),
    );
    sent.end(body);
  });
}

/** Headers that Node's client would refuse to send are left out; damaged requests have their like. */
const cleaned = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => !/[^\t\x20-\x7e\x80-\xff]/.test(value)));

function sendDamaged(
  port: number,
  { method, path, headers, body }: HostileRequest,
  [place, value]: [number, number],
): Promise<Answer> {
  const lines = Object.entries({ host: 'x', connection: 'close', 'content-length': `${body.length}`, ...headers }).map(
    ([name, text]) => `${name}: ${text}\r\n`,
  );
  const bytes = concat([encode(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
  bytes[place % bytes.length] = value;
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    const wait = setTimeout(() => socket.destroy(), WAIT_MS);
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? reject(error) : undefined));
    socket.on('close', () => {
      clearTimeout(wait);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
      resolve({ status, contentType: '', text });
    });
  });
}

/** Reason why an answer is a fault of the server; undefined if it is none. */
export function faultOf({ method }: HostileRequest, { status, contentType, text }: Answer): string | undefined {
  if (status >= 500 && status !== 503 && status !== 504) return `status ${status}`;
  if (/\n\s+at \S+|node:internal|node_modules|\/packages\//.test(text)) return 'a stack trace or a path of the server';
  const isError = status >= 400 && contentType !== '' && method !== 'HEAD';
  if (isError && !/^application\/(problem\+)?json/.test(contentType)) return `an error as ${contentType}`;
  return undefined;
}
