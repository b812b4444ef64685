/** The Open Inference Protocol v2: what Triton's client sends, what another server's OpenAPI text asks for, and the traps. */
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { deflate, gunzip, gzip } from 'node:zlib';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type App, createApp } from '../../packages/server/src/app.ts';
import { readTensors } from '../../packages/server/src/body/infer_request.ts';
import { type Limits, limitsFrom } from '../../packages/server/src/body/limits.ts';
import { OverloadError, ServerError } from '../../packages/server/src/errors.ts';
import { prometheusMetrics } from '../../packages/server/src/runtime/prometheus.ts';
import { Models, versionOf } from '../../packages/server/src/scoring/models.ts';
import type { PairInput, ServedModel } from '../../packages/server/src/scoring/scoring_service.ts';
import { type FakeScorer, fakeScorer, SERVED } from './fake_scorer.ts';

const FIXTURES = new URL('../fixtures/oip/', import.meta.url);
const text = (name: string) => readFileSync(new URL(name, FIXTURES), 'utf8');

interface Json {
  [key: string]: unknown;
  inputs: { name: string; shape: number[]; datatype: string; parameters?: object; data?: number[] }[];
}
interface Sent {
  headers: Record<string, string>;
  body: string;
  json: Json;
}
const REQUESTS: Record<string, Sent> = JSON.parse(text('requests.json'));

const SIDE = 8;
const served: ServedModel = { ...SERVED, info: { ...SERVED.info, side: SIDE } };
const VERSION = versionOf(served);

let scorer: FakeScorer;
let app: App;
let log: string[];

const appWith = (limits: Partial<Limits> = {}) =>
  createApp({ models: new Models([['fake', scorer]]), limits: limitsFrom(limits), log: (line) => log.push(line) });

beforeEach(() => {
  scorer = fakeScorer(served);
  log = [];
  app = appWith();
});

const post = (body: BodyInit, headers: Record<string, string> = {}, path = '/v2/models/pair/infer', to = app) =>
  to.request(path, { method: 'POST', body, headers });

/** Body of raw tensors behind their JSON, with its header. */
function binary(json: object, ...tensors: Uint8Array[]) {
  const head = new TextEncoder().encode(JSON.stringify(json));
  const body = Buffer.concat([head, ...tensors]);
  return { body, headers: { 'Inference-Header-Content-Length': `${head.length}` } };
}

interface Output {
  name: string;
  datatype: string;
  shape: number[];
  data?: number[];
  parameters?: { binary_data_size: number };
}

/** Answer as a client reads it: the JSON, and the values of every output, raw or not. */
async function answerOf(response: Response) {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const length = response.headers.get('inference-header-content-length');
  const json = JSON.parse(new TextDecoder().decode(length === null ? bytes : bytes.subarray(0, Number(length))));
  let at = length === null ? bytes.length : Number(length);
  const values: Record<string, number[]> = {};
  for (const { name, data, parameters, shape } of json.outputs as Output[]) {
    if (data) values[name] = data;
    else {
      const size = parameters!.binary_data_size;
      expect(size).toBe(4 * shape.reduce((a, b) => a * b));
      values[name] = [...new Float32Array(bytes.slice(at, at + size).buffer)];
      at += size;
    }
  }
  expect(at).toBe(bytes.length);
  return { json, values };
}

async function refused(response: Response, status: number, error: RegExp) {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const body = await response.json();
  expect(body).toEqual({ error: expect.any(String) });
  expect(body.error).toMatch(error);
}

/** Scores that the fake gives to the tensors of the fixture in JSON. */
function expectedScores(): number[] {
  const [sar, optical] = REQUESTS['JSON both ways']!.json.inputs.map(({ data }) => Float32Array.from(data!));
  const size = SIDE * SIDE;
  const mean = (values: Float32Array, i: number) =>
    values.slice(i * size, (i + 1) * size).reduce((sum, value) => sum + value, 0) / size;
  return [0, 1].map((i) => mean(sar!, i) - mean(optical!, i));
}

const close = (found: readonly number[], expected: readonly number[], digits: number) => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i]!, digits);
};

describe("requests of Triton's client", () => {
  const send = (name: string, headers = {}, bytes?: Uint8Array) => {
    const sent = REQUESTS[name]!;
    return post((bytes ?? Buffer.from(sent.body, 'base64')) as BodyInit, { ...sent.headers, ...headers });
  };

  it.each([
    ['binary both ways, outputs not named', true, undefined, 6],
    ['binary both ways, outputs named', true, '42', 6],
    ['JSON both ways', false, 'a b/ü', 6],
    ['half precision', true, undefined, 2],
  ])('%s', async (name, isBinary, id, digits) => {
    const response = await send(name);
    expect(response.status).toBe(200);
    expect(response.headers.has('inference-header-content-length')).toBe(isBinary);
    const type = isBinary ? 'application/octet-stream' : 'application/json';
    expect(response.headers.get('content-type')).toBe(type);
    const { json, values } = await answerOf(response);
    expect(Object.keys(values)).toEqual(['score', 'probability']);
    close(values.score!, expectedScores(), digits);
    const probabilities = expectedScores().map((score) => 1 / (1 + Math.exp(-score)));
    close(values.probability!, probabilities, digits);
    expect(json).toMatchObject({ model_name: 'pair', model_version: VERSION });
    expect(json.id).toBe(id);
    for (const output of json.outputs as Output[]) {
      expect(output).toMatchObject({ datatype: 'FP32', shape: [2, 1] });
      expect('data' in output).toBe(!isBinary);
      expect('parameters' in output).toBe(isBinary);
    }
  });

  it('one tensor binary, one JSON; one output binary, one JSON', async () => {
    const name = 'one tensor binary, one JSON; one output binary, one JSON';
    const { json, values } = await answerOf(await send(name));
    const wanted = REQUESTS[name]!.json.outputs as { name: string; parameters?: { binary_data?: boolean } }[];
    expect(json.outputs.map((output: Output) => [output.name, 'parameters' in output])).toEqual(
      wanted.map((output) => [output.name, output.parameters?.binary_data === true]),
    );
    expect(new Set(json.outputs.map((output: Output) => 'data' in output))).toEqual(new Set([true, false]));
    close(values.score!, expectedScores(), 6);
  });

  it('unknown output', async () => refused(await send('unknown output'), 400, /score, probability.*"nothing"/));

  it.each([
    ['gzip', gzip],
    ['deflate', deflate],
  ] as const)('compressed by %s, with the length of the JSON before compression', async (coding, compressed) => {
    const name = 'binary both ways, outputs named';
    const bytes = await promisify(compressed as typeof gzip)(Buffer.from(REQUESTS[name]!.body, 'base64'));
    const { values } = await answerOf(await send(name, { 'content-encoding': coding }, bytes));
    close(values.score!, expectedScores(), 6);
  });

  it('answers large JSON compressed where asked', async () => {
    const data = (scale: number) => Array.from({ length: 64 * SIDE * SIDE }, (_, i) => 1 + Math.sin(scale * i) ** 2);
    const tensor = (name: string, scale: number) => ({
      ...{ name, datatype: 'FP32', shape: [64, SIDE, SIDE, 1] },
      data: data(scale),
    });
    const body = JSON.stringify({ inputs: [tensor('sar', 1), tensor('optical', 2)] });
    const response = await post(body, { 'accept-encoding': 'gzip' });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const json = JSON.parse((await promisify(gunzip)(await response.arrayBuffer())).toString());
    expect(json.outputs[0].data).toHaveLength(64);
  });
});

describe('against the OpenAPI text of another server', () => {
  const { components, paths } = parse(text('dataplane.yaml'), { merge: true });
  // "bytes" is no type of JSON schema: the text means strings by it.
  components.schemas.TensorData.oneOf = [{ type: 'array' }, { type: 'string' }];
  const ajv = new Ajv({ strict: false });
  ajv.addSchema({ $id: 'plane', components });
  const fits = (schema: string, value: unknown) => {
    const validate = ajv.getSchema(`plane#/components/schemas/${schema}`)!;
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  };

  it('has every path of inference, health and metadata', async () => {
    const served = Object.keys((await (await app.request('/openapi.json')).json()).paths);
    const names = (path: string) =>
      path.replaceAll(/\{model_(\w+)\}/g, (_, part) => `{${part === 'name' ? 'model' : part}}`);
    const wanted = Object.keys(paths).filter((path) => !/generate|infer_stream/.test(path)); // extensions of language models
    expect(wanted.length).toBe(9);
    for (const path of wanted) expect(served).toContain(names(path));
  });

  it('answers as it describes', async () => {
    const get = async (path: string) => (await app.request(path)).json();
    fits('MetadataServerResponse', await get('/v2'));
    fits('MetadataModelResponse', await get('/v2/models/fake'));
    fits('MetadataModelResponse', await get(`/v2/models/fake-tower/versions/${VERSION}`));
    fits('MetadataModelErrorResponse', await get('/v2/models/nothing'));
    const { headers, body } = REQUESTS['JSON both ways']!;
    fits('InferenceResponse', await (await post(Buffer.from(body, 'base64') as BodyInit, headers)).json());
    fits('InferenceErrorResponse', await (await post('{')).json());
  });
});

describe('metadata and health', () => {
  const get = async (path: string) => {
    const response = await app.request(path);
    return [response.status, await response.json()];
  };

  it('describes the server', async () => {
    expect(await get('/v2')).toEqual([
      200,
      { name: 'doppel', version: SERVED.info.version, extensions: ['binary_tensor_data'] },
    ]);
  });

  it('describes pairs and towers, −1 where a length varies', async () => {
    const datatypes = ['FP32', 'FP16', 'UINT8', 'UINT16'];
    const input = (name: string, shape: number[], more = {}) => ({
      ...{ name, datatype: 'FP32', shape },
      parameters: { datatypes, ...more },
    });
    const output = (name: string, length: number) => ({ name, datatype: 'FP32', shape: [-1, length] });
    expect(await get('/v2/models/fake')).toEqual([
      200,
      {
        ...{ name: 'fake', versions: [VERSION], platform: 'doppel' },
        inputs: [input('sar', [-1, 8, 8, 1]), input('optical', [-1, 8, 8, -1])],
        outputs: [output('score', 1), output('probability', 1)],
      },
    ]);
    expect(await get('/v2/models/tower')).toEqual([
      200,
      {
        ...{ name: 'tower', versions: [VERSION], platform: 'doppel' },
        inputs: [input('sar', [-1, 8, 8, 1], { optional: true }), input('optical', [-1, 8, 8, -1], { optional: true })],
        outputs: [output('sar_descriptor', 2), output('optical_descriptor', 2)],
      },
    ]);
    scorer = fakeScorer({ ...served, info: { ...served.info, opticalBands: 3, sides: { min: 8, multipleOf: 8 } } });
    app = appWith();
    const [, dense] = await get('/v2/models/pair');
    expect(dense.inputs.map(({ shape }: { shape: number[] }) => shape)).toEqual([
      [-1, -1, -1, 1],
      [-1, -1, -1, 3],
    ]);
  });

  it('says whether it is alive and ready', async () => {
    const paths = ['/v2/health/ready', '/v2/models/pair/ready', `/v2/models/fake/versions/${VERSION}/ready`];
    expect(await get('/v2/health/live')).toEqual([200, { live: true }]);
    expect(await get(paths[0]!)).toEqual([200, { ready: true }]);
    expect(await get(paths[1]!)).toEqual([200, { name: 'pair', ready: true }]);
    scorer.isReady = false;
    expect(await get('/v2/health/live')).toEqual([200, { live: true }]);
    for (const path of [...paths, '/v2/models/fake']) await refused(await app.request(path), 503, /loading/);
    const { headers, body } = REQUESTS['JSON both ways']!;
    await refused(await post(Buffer.from(body, 'base64') as BodyInit, headers), 503, /loading/);
  });

  it('does not know other models and versions', async () => {
    for (const path of ['/v2/models/other', '/v2/models/other-tower', '/v2/models/fake/versions/1']) {
      for (const suffix of ['', '/ready']) await refused(await app.request(path + suffix), 404, /fake/);
    }
    await refused(await post('{}', {}, '/v2/models/other/infer'), 404, /fake, fake-tower/);
    const body = Buffer.from(REQUESTS['JSON both ways']!.body, 'base64') as BodyInit;
    await refused(await post(body, {}, '/v2/models/fake/versions/1/infer'), 404, /not "1"/);
    expect((await post(body, {}, `/v2/models/fake/versions/${VERSION}/infer`)).status).toBe(200);
    await refused(await app.request('/v2/nothing'), 404, /nothing/);
    await refused(await app.request('/v2/models/pair/infer'), 405, /POST/);
  });

  it('has no towers where both patches enter one stream', async () => {
    scorer = fakeScorer({ ...served, descriptorLength: undefined });
    app = appWith();
    await refused(await app.request('/v2/models/tower'), 404, /one stream/);
    expect((await app.request('/v2/models/pair')).status).toBe(200);
  });

  it('addresses each of several models by its name, the first also as pair and tower', async () => {
    const other = fakeScorer({ ...served, info: { ...served.info, fingerprint: 'e'.repeat(64) } });
    const both = new Models([
      ['a', scorer],
      ['b', other],
    ]);
    app = createApp({ models: both });
    const body = Buffer.from(REQUESTS['JSON both ways']!.body, 'base64') as BodyInit;
    for (const name of ['a', 'pair', 'b']) {
      const { json } = await answerOf(await post(body, {}, `/v2/models/${name}/infer`));
      expect(json).toMatchObject({ model_name: name, model_version: (name === 'b' ? 'e' : 'f').repeat(12) });
    }
    expect([scorer.calls.length, other.calls.length]).toEqual([2, 1]);
    expect((await get('/v2/models/b-tower'))[1].versions).toEqual(['e'.repeat(12)]);
  });
});

describe('tensors', () => {
  const pixels = SIDE * SIDE;
  const tensor = (name: string, datatype: string, data: unknown, shape = [1, SIDE, SIDE, 1]) => ({
    ...{ name, datatype, shape },
    data,
  });
  const ramp = Array.from({ length: pixels }, (_, i) => i + 1);
  const samplesOf = (pair: PairInput | undefined) =>
    pair?.sar.kind === 'samples' ? [...pair.sar.data] : expect.fail('no samples');

  it.each([
    ['UINT8', (values: number[]) => Uint8Array.from(values)],
    ['UINT16', (values: number[]) => Uint16Array.from(values.map((value) => 1000 * value))],
    ['FP32', (values: number[]) => Float32Array.from(values)],
  ] as const)('reads %s, raw, flat and nested', async (datatype, make) => {
    const values = make(ramp);
    const raw = new Uint8Array(values.buffer);
    const spec = { name: 'sar', datatype, shape: [1, SIDE, SIDE, 1] };
    const optical = tensor('optical', 'UINT8', ramp);
    const sent = binary({ inputs: [{ ...spec, parameters: { binary_data_size: raw.length } }, optical] }, raw);
    expect((await post(sent.body as BodyInit, sent.headers)).status).toBe(200);
    const flat = [...values];
    const rows = [Array.from({ length: SIDE }, (_, r) => flat.slice(r * SIDE, (r + 1) * SIDE).map((value) => [value]))];
    for (const data of [flat, rows]) {
      expect((await post(JSON.stringify({ inputs: [{ ...spec, data }, optical] }))).status).toBe(200);
    }
    expect(scorer.calls.map(([pair]) => samplesOf(pair))).toEqual([flat, flat, flat]);
  });

  it('takes raw tensors in the order of the binary inputs, wherever JSON stands between', async () => {
    const [one, two] = [1, 2].map((level) => new Uint8Array(new Float32Array(pixels).fill(level).buffer));
    const spec = (name: string) => ({
      name,
      datatype: 'FP32',
      shape: [1, SIDE, SIDE, 1],
      parameters: { binary_data_size: 4 * pixels },
    });
    const sent = binary({ inputs: [spec('optical'), spec('sar')] }, one!, two!);
    const { values } = await answerOf(await post(sent.body as BodyInit, sent.headers));
    expect(values.score).toEqual([1]);
  });

  it('keeps null as a missing sample, and the unit of SAR samples', async () => {
    const sar = { ...tensor('sar', 'FP32', [null, ...ramp.slice(1)]), parameters: { unit: 'dB' } };
    expect((await post(JSON.stringify({ inputs: [sar, tensor('optical', 'UINT8', ramp)] }))).status).toBe(200);
    const [pair] = scorer.calls[0]!;
    expect(samplesOf(pair)[0]).toBeNaN();
    expect(pair!.sar.unit).toBe('dB');
  });

  it('describes images of either sensor, or of both', async () => {
    const sar = tensor('sar', 'FP32', [...ramp, ...ramp], [2, SIDE, SIDE, 1]);
    const optical = tensor('optical', 'UINT8', [...ramp, ...ramp, ...ramp], [1, SIDE, SIDE, 3]);
    const path = '/v2/models/fake-tower/infer';
    const level = (pixels + 1) / 2;
    const both = await answerOf(await post(JSON.stringify({ inputs: [optical, sar] }), {}, path));
    expect(both.json.outputs.map(({ name, shape }: Output) => [name, shape])).toEqual([
      ['sar_descriptor', [2, 2]],
      ['optical_descriptor', [1, 2]],
    ]);
    expect(both.values).toEqual({ sar_descriptor: [level, 1, level, 1], optical_descriptor: [level, 3] });
    const one = await answerOf(
      await post(JSON.stringify({ inputs: [optical], parameters: { binary_data_output: true } }), {}, path),
    );
    expect(one.values).toEqual({ optical_descriptor: [level, 3] });
    const absent = JSON.stringify({ inputs: [optical], outputs: [{ name: 'sar_descriptor' }] });
    await refused(await post(absent, {}, path), 400, /outputs of optical_descriptor/);
    await refused(
      await post(JSON.stringify({ inputs: [tensor('sar', 'FP32', Array(pixels).fill(0))] }), {}, path),
      422,
      /image 0 of "sar"/,
    );
  });

  it('echoes any id', async () => {
    const inputs = [tensor('sar', 'UINT8', ramp), tensor('optical', 'UINT8', ramp)];
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (id) => {
        const { json } = await answerOf(await post(JSON.stringify({ id, inputs })));
        expect(json.id).toBe(id);
      }),
      { numRuns: 50 },
    );
    const lone = await post(`{"id":"\\ud800","inputs":${JSON.stringify(inputs)}}`);
    expect((await lone.json()).id).toBe('\ud800');
  });

  const good = () => ({
    inputs: [tensor('sar', 'FP32', ramp), tensor('optical', 'FP32', ramp)] as Record<string, unknown>[],
  });
  const withSar = (change: object) => {
    const request = good();
    Object.assign(request.inputs[0]!, change);
    return request;
  };
  it.each<[string, object | string, RegExp]>([
    ['JSON that does not parse', '{"inputs": [', /JSON/],
    ['NaN, which is no JSON', '{"inputs": NaN}', /JSON/],
    ['no object', [], /inference request/],
    ['no inputs', {}, /inputs/],
    ['an empty list of inputs', { inputs: [] }, /inputs/],
    ['an id that is no string', { ...good(), id: 42 }, /id/],
    ['parameters that are no object', { ...good(), parameters: 'x' }, /parameters/],
    ['a flag that is none', { ...good(), parameters: { binary_data_output: 'yes' } }, /true or false/],
    ['an unknown input', { inputs: [...good().inputs, tensor('third', 'FP32', [1], [1])] }, /"third"/],
    ['a missing input', { inputs: [good().inputs[0]] }, /"optical"/],
    ['an input twice', { inputs: [...good().inputs, good().inputs[0]] }, /twice/],
    ['an output twice', { ...good(), outputs: [{ name: 'score' }, { name: 'score' }] }, /twice/],
    ['data that is no list', withSar({ data: 'AAAA' }), /list of numbers/],
    ['an object for data', withSar({ data: { 0: 1 } }), /list of numbers/],
    ['no data', withSar({ data: undefined }), /list of numbers, found nothing/],
    ['text among the data', withSar({ data: ['1', ...ramp.slice(1)] }), /numbers and nulls/],
    ['true among the data', withSar({ data: [true, ...ramp.slice(1)] }), /numbers and nulls/],
    ['too few data', withSar({ data: [1, 2] }), /64 values.*found 2/],
    ['too many data', withSar({ data: [...ramp, 1] }), /64 values.*found more/],
    ['lists deeper than the shape', withSar({ data: [[[[[...ramp]]]]] }), /numbers and nulls/],
    ['a negative dimension', withSar({ shape: [-1, SIDE, SIDE, 1] }), /whole numbers from 1/],
    ['a dimension of 0', withSar({ shape: [0, SIDE, SIDE, 1], data: [] }), /whole numbers from 1/],
    ['half a dimension', withSar({ shape: [0.5, SIDE, SIDE, 2] }), /whole numbers from 1/],
    ['a huge dimension', withSar({ shape: [1e15, 1e15, SIDE, 1] }), /whole numbers from 1/],
    ['a large dimension', withSar({ shape: [2 ** 31, 1, 1, 1] }), /2147483648 values|whole/],
    ['a shape of another rank', withSar({ shape: [SIDE, SIDE] }), /shape \[-1,8,8,1\]/],
    ['a shape that is no list', withSar({ shape: 64 }), /shape/],
    ['patches of another side', withSar({ shape: [1, 16, 4, 1] }), /shape \[-1,8,8,1\].*\[1,16,4,1\]/],
    [
      'other counts',
      { inputs: [tensor('sar', 'FP32', [...ramp, ...ramp], [2, SIDE, SIDE, 1]), good().inputs[1]] },
      /as many/,
    ],
    ['an unknown datatype', withSar({ datatype: 'BF16' }), /FP32, FP16.*BF16/],
    ['a datatype of every object', withSar({ datatype: 'constructor' }), /constructor/],
    ['half precision in JSON', withSar({ datatype: 'FP16' }), /FP16 as binary/],
    ['a byte of 256', withSar({ datatype: 'UINT8', data: [256, ...ramp.slice(1)] }), /from 0 to 255/],
    ['a negative byte', withSar({ datatype: 'UINT8', data: [-1, ...ramp.slice(1)] }), /from 0 to 255/],
    ['half a byte', withSar({ datatype: 'UINT8', data: [0.5, ...ramp.slice(1)] }), /from 0 to 255/],
    ['null for a byte', withSar({ datatype: 'UINT8', data: [null, ...ramp.slice(1)] }), /from 0 to 255/],
    ['an unknown unit', withSar({ parameters: { unit: 'decibel' } }), /unit/],
    [
      'raw bytes that are not there',
      withSar({ data: undefined, parameters: { binary_data_size: 256 } }),
      /256 bytes.*0/,
    ],
    ['raw bytes and data', withSar({ parameters: { binary_data_size: 256 } }), /both/],
    ['raw bytes of another size', withSar({ data: undefined, parameters: { binary_data_size: 100 } }), /256.*100/],
    ['raw bytes of a negative size', withSar({ data: undefined, parameters: { binary_data_size: -256 } }), /256.*-256/],
  ])('refuses %s', async (_, body, error) => {
    await refused(await post(typeof body === 'string' ? body : JSON.stringify(body)), 400, error);
    expect(scorer.calls).toHaveLength(0);
    expect(log).toEqual([]);
  });

  it.each([
    ['-1', /length of the JSON/],
    ['1e3', /length of the JSON/],
    ['99999999', /length of the JSON/],
    ['99999999999999999999', /length of the JSON/],
    ['', /length of the JSON/],
    ['3, 4', /length of the JSON/],
    ['10', /JSON/],
  ])('refuses Inference-Header-Content-Length: %s', async (length, error) => {
    await refused(await post(JSON.stringify(good()), { 'Inference-Header-Content-Length': length }), 400, error);
  });

  it('allocates nothing for a shape that has more values than the JSON has bytes', async () => {
    const huge = withSar({ shape: [2 ** 31 - 8], data: [1] });
    const bytes = new TextEncoder().encode(JSON.stringify(huge));
    const allocated = vi.spyOn(globalThis, 'Float32Array');
    try {
      await expect(readTensors({ bytes, headerLength: null })).rejects.toThrow(/2147483640 values.*bytes of JSON/);
      expect(allocated).not.toHaveBeenCalled();
    } finally {
      allocated.mockRestore();
    }
    await refused(await post(JSON.stringify(huge)), 400, /bytes of JSON/);
  });

  it('refuses bytes behind the last tensor, and raw tensors that are cut', async () => {
    const raw = new Uint8Array(new Float32Array(ramp).buffer);
    const request = withSar({ data: undefined, parameters: { binary_data_size: raw.length } });
    const surplus = binary(request, raw, new Uint8Array(3));
    await refused(await post(surplus.body as BodyInit, surplus.headers), 400, /3 bytes more/);
    const cut = binary(request, raw.subarray(5));
    await refused(await post(cut.body as BodyInit, cut.headers), 400, /256 bytes.*251/);
  });

  it('fails as a whole, says which image it was, and keeps limits', async () => {
    const flat = [...ramp, ...Array(pixels).fill(0)];
    const sar = tensor('sar', 'FP32', flat, [2, SIDE, SIDE, 1]);
    const optical = tensor('optical', 'FP32', flat, [2, SIDE, SIDE, 1]);
    await refused(await post(JSON.stringify({ inputs: [sar, optical] })), 422, /^pair 1: /);
    app = appWith({ maxPairs: 1 });
    await refused(await post(JSON.stringify({ inputs: [sar, optical] })), 413, /at most 1/);
    app = appWith({ maxBytes: 100 });
    await refused(await post(JSON.stringify(good())), 413, /100 bytes/);
    await refused(await post('x', { 'content-encoding': 'br' }), 415, /coding/);
  });

  it('counts pairs by outcome where a request fails too, and no images of towers', async () => {
    const metrics = prometheusMetrics();
    app = createApp({ models: new Models([['fake', scorer]]), metrics });
    const flat = [...ramp, ...Array(pixels).fill(0)];
    const [sar, optical] = ['sar', 'optical'].map((name) => tensor(name, 'FP32', flat, [2, SIDE, SIDE, 1]));
    expect((await post(JSON.stringify({ inputs: [sar, optical] }))).status).toBe(422);
    expect((await post(JSON.stringify(good()))).status).toBe(200);
    expect((await post(JSON.stringify(good()), {}, '/v2/models/tower/infer')).status).toBe(200);
    const text = await metrics.text();
    expect(text).toMatch(/^doppel_pairs_total\{outcome="scored"\} 2$/m);
    expect(text).toMatch(/^doppel_pairs_total\{outcome="failed"\} 1$/m);
  });

  it('says in a string why it failed itself, and keeps the reason in the log', async () => {
    scorer.failure = new ServerError({ action: 'score', found: 'a secret path' });
    const response = await post(JSON.stringify(good()), { 'x-request-id': 'mine' });
    expect(response.headers.get('x-request-id')).toBe('mine');
    await refused(response, 500, /under the request mine/);
    expect(log.join()).toMatch(/secret/);
    scorer.failure = new OverloadError({ action: 'queue', retryAfterSeconds: 7 });
    const refusal = await post(JSON.stringify(good()));
    expect(refusal.headers.get('retry-after')).toBe('7');
    await refused(refusal, 503, /queue/);
    scorer.failure = undefined;
    scorer.gate = new Promise(() => {});
    app = appWith({ timeoutMs: 30 });
    await refused(await post(JSON.stringify(good())), 504, /0.03 s/);
  });
});
