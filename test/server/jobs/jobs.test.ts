/** Registrations over HTTP, with a fake in place of the work: life of a job, limits, owners, restarts, faults. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { FileError } from '../../../packages/core/src/errors.ts';
import { FileStore } from '../../../packages/core/src/node.ts';
import type { Guard } from '../../../packages/server/src/access/guard.ts';
import { type App, createApp } from '../../../packages/server/src/app.ts';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import type { Job } from '../../../packages/server/src/jobs/job.ts';
import { MAX_ATTEMPTS } from '../../../packages/server/src/jobs/jobs.ts';
import { listenNode } from '../../../packages/server/src/runtime/listen_node.ts';
import { prometheusMetrics } from '../../../packages/server/src/runtime/prometheus.ts';
import { fakeScorer, soleModel } from '../fake_scorer.ts';
import { DO, EXAMPLES, type FakeJobs, type FakeOptions, fakeRun, openJobs, sceneForm } from './fake_jobs.ts';

const PATH = '/v1/registrations';

let fake: FakeJobs;
let app: App;
afterEach(() => fake.remove());

/** Keys are names here, and "admin" is one. */
const GUARD: Guard = {
  admit: async (key) => ({ name: key ?? 'none', isAdmin: key === 'admin' }),
  spend: async () => {},
};

async function start(options: FakeOptions & { guard?: Guard } = {}): Promise<void> {
  const metrics = prometheusMetrics();
  fake = await openJobs({ observer: metrics, ...options });
  app = appOver(fake, metrics, options.guard);
}

const appOver = ({ jobs }: FakeJobs, metrics = prometheusMetrics(), guard?: Guard) =>
  createApp({
    ...{ models: soleModel(fakeScorer()), metrics, guard, registrations: jobs, examples: EXAMPLES },
    limits: limitsFrom({ timeoutMs: 2000 }),
  });

const ask = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
  app.request(path, { method, headers });
const as = (key: string) => ({ authorization: `Bearer ${key}` });
const post = (settings?: object, headers = {}, form = sceneForm(settings)) =>
  app.request(PATH, { method: 'POST', body: form, headers });
const made = async (settings?: object, headers = {}): Promise<Job> => {
  const response = await post(settings, headers);
  expect(response.status).toBe(202);
  return response.json();
};
const jobAt = async (id: string, headers = {}): Promise<Job> => (await ask(`${PATH}/${id}`, 'GET', headers)).json();
const list = async (headers = {}): Promise<Job[]> => (await (await ask(PATH, 'GET', headers)).json()).registrations;

/** All events of a job, until it ends. */
async function eventsOf(id: string, headers = {}): Promise<Job[]> {
  const response = await ask(`${PATH}/${id}/events`, 'GET', headers);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  return [...(await response.text()).matchAll(/^event: job\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
}
const ended = async (id: string, headers = {}): Promise<Job> => (await eventsOf(id, headers)).at(-1)!;
const isRunning = (id: string) => expect.poll(async () => (await jobAt(id)).state).toBe('running');

/** Waits until a state is in the folder: clients are told first. */
const isKept = (id: string, state: string) =>
  expect
    .poll(() => JSON.parse(readFileSync(join(fake.root, 'registrations', id, 'job.json'), 'utf8')).state)
    .toBe(state);

const foldersIn = (name: string) => readdirSync(join(fake.root, name)).filter((each) => each !== 'started');
/** What is left of uploads and removed jobs. */
const unfinished = () => foldersIn('unfinished');

async function problemIn(response: Response, type: string, status: number) {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = await response.json();
  expect(problem).toMatchObject({ type: `urn:doppel:problem:${type}`, status });
  return problem;
}

describe('a job', () => {
  it('goes from two files to a result, by events, and its files are there', async () => {
    await start();
    const response = await post({ radius: '32px', seed: DO.finish });
    expect(response.status).toBe(202);
    const job = await response.json();
    expect(response.headers.get('location')).toBe(`${PATH}/${job.id}`);
    expect(job).toMatchObject({
      inputs: { sar: { name: 'a.tif', bytes: 5 }, optical: { name: 'b.tif', bytes: 6 } },
      settings: { radius: '32px', seed: 0 },
      links: { self: `${PATH}/${job.id}`, events: `${PATH}/${job.id}/events` },
    });
    const done = await ended(job.id);
    const href = `${PATH}/${job.id}/files/report.html`;
    expect(done).toMatchObject({
      ...{ state: 'done', result: { status: 'trusted', files: { report: href } } },
      files: [{ name: 'report.html', bytes: 32, type: 'text/html; charset=utf-8', href }],
    });
    expect(Date.parse(done.created)).toBeLessThanOrEqual(Date.parse(done.ended!));
    const report = await ask(href);
    expect([report.headers.get('content-length'), await report.text()]).toEqual([
      '32',
      '<!doctype html><p>A report.</p>\n',
    ]);
    expect(report.headers.get('content-security-policy')).toMatch(/^sandbox;/);
    expect(await (await ask(`${PATH}/${job.id}/files/sar.tif`)).text()).toBe('radar');
    expect((await list()).map(({ id, state }) => [id, state])).toEqual([[job.id, 'done']]);
    expect(foldersIn(`registrations/${job.id}`).sort()).toEqual(['job.json', 'optical.tif', 'result', 'sar.tif']);
  });

  it('answers HEAD for its events at once, while it runs', async () => {
    await start();
    const { id } = await made({ seed: DO.hang });
    const response = await ask(`${PATH}/${id}/events`, 'HEAD');
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  });

  it('tells its progress', async () => {
    await start();
    const { id } = await made({ seed: DO.hang });
    await expect.poll(async () => (await jobAt(id)).progress).toEqual({ done: 1, total: 2, phase: 'points' });
  });

  it('that is refused says why, and one that fails names the file that caused it', async () => {
    await start();
    expect(await ended((await made({ seed: DO.refuse })).id)).toMatchObject({
      ...{ state: 'refused', result: { status: 'refused' } },
    });
    const { state, problem } = await ended((await made({ seed: DO.fail })).id);
    expect(state).toBe('failed');
    expect(problem).toMatchObject({
      ...{ type: 'urn:doppel:problem:unusable-scene', status: 422, file: 'optical' },
      ...{ detail: 'Cannot read it.', expected: 'a TIFF', found: 'noise', remedy: 'Send another.' },
    });
  });

  it('that fails by a fault of ours tells the log, not the client', async () => {
    await start();
    const { id } = await made({ seed: DO.failInside });
    const job = await ended(id);
    expect(job.problem).toMatchObject({ type: 'urn:doppel:problem:internal-error' });
    expect(JSON.stringify(job)).not.toContain('secret');
    expect(fake.log.join()).toContain('secret.ts:1');
    expect(foldersIn(`registrations/${id}`)).not.toContain('result.unfinished-1');
  });

  it('that cannot be worked on fails, and the next one runs', async () => {
    let runs = 0;
    const run: FakeOptions['run'] = async (folder, task, watch) => {
      if (runs++ === 0) throw new Error('spawn E2BIG in secret.ts');
      if (runs === 2) return { kind: 'done', summary: { status: 'unheard of', files: {} } };
      return fakeRun(folder, task, watch);
    };
    await start({ run });
    for (const reason of ['spawn E2BIG in secret.ts', 'invalid_value']) {
      const { id } = await made();
      const { state, problem } = await ended(id);
      expect([state, problem]).toEqual([
        'failed',
        expect.objectContaining({ type: 'urn:doppel:problem:internal-error' }),
      ]);
      expect(JSON.stringify(problem)).not.toContain('secret');
      expect(fake.log.join()).toContain(reason);
      await isKept(id, 'failed');
    }
    expect((await ended((await made()).id)).state).toBe('done');
  });

  it('may come from an example', async () => {
    await start();
    const from = (body: object) =>
      app.request(PATH, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });
    const { id } = await (await from({ example: 'demo', settings: { cells: 4 } })).json();
    expect(await ended(id)).toMatchObject({ state: 'done', settings: { cells: 4 }, inputs: { sar: { bytes: 10 } } });
    await problemIn(await from({ example: 'other' }), 'not-found', 404);
    await problemIn(await from({ settings: {} }), 'malformed-request', 400);
    await problemIn(await from({ example: 'demo', settings: { radius: 'far' } }), 'malformed-request', 400);
    const { examples } = await (await ask('/v1/examples')).json();
    expect(examples[0]).toEqual({
      ...EXAMPLES.list[0],
      sar: '/v1/examples/demo/sar.tif',
      optical: '/v1/examples/demo/optical.tif',
    });
    expect((await (await ask(examples[0].sar)).arrayBuffer()).byteLength).toBe(10);
  });

  it('that is deleted stops, and once it has ended is forgotten; the next one starts', async () => {
    await start();
    const first = await made({ seed: DO.hang });
    const second = await made();
    await isRunning(first.id);
    expect((await jobAt(second.id)).state).toBe('queued');
    const [waiting, deleted] = [ended(second.id), await ask(`${PATH}/${first.id}`, 'DELETE')];
    expect(deleted.status).toBe(204);
    expect((await jobAt(first.id)).state).toBe('cancelled');
    expect((await waiting).state).toBe('done');
    expect((await ask(`${PATH}/${first.id}`, 'DELETE')).status).toBe(204);
    await problemIn(await ask(`${PATH}/${first.id}`), 'not-found', 404);
    expect(foldersIn('registrations')).toEqual([second.id]);
    expect(unfinished()).toEqual([]);
  });

  it('that waits is cancelled without having run', async () => {
    await start();
    await made({ seed: DO.hang });
    const { id } = await made();
    expect((await ask(`${PATH}/${id}`, 'DELETE')).status).toBe(204);
    expect(await jobAt(id)).toMatchObject({ state: 'cancelled' });
    expect((await jobAt(id)).started).toBeUndefined();
    const metrics = await (await ask('/metrics')).text();
    expect(metrics).toContain('doppel_registrations_total{state="cancelled"} 1');
    expect(metrics).toContain('doppel_registration_duration_seconds_count 0');
  });
});

describe('files', () => {
  it('come by ranges of bytes', async () => {
    await start();
    const { id } = await made();
    await ended(id);
    const get = (range: string) => ask(`${PATH}/${id}/files/sar.tif`, 'GET', { range });
    for (const [range, text, content] of [
      ['bytes=1-2', 'ad', 'bytes 1-2/5'],
      ['bytes=3-', 'ar', 'bytes 3-4/5'],
      ['bytes=-2', 'ar', 'bytes 3-4/5'],
      ['bytes=0-99', 'radar', 'bytes 0-4/5'],
    ] as const) {
      const response = await get(range);
      expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
        206,
        text,
        content,
      ]);
    }
    for (const range of ['bytes=2-1', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', '']) {
      expect((await get(range)).status, range).toBe(200);
    }
    const beyond = await get('bytes=5-');
    expect(beyond.headers.get('content-range')).toBe('bytes */5');
    await problemIn(beyond, 'range-not-satisfiable', 416);
  });

  it('are those of the list only', async () => {
    await start();
    const { id } = await made();
    await ended(id);
    for (const name of [
      'job.json',
      '..',
      '..%2fjob.json',
      '%2e%2e%2f..%2fstarted',
      'result',
      'result%2freport.html',
      '%00',
    ]) {
      expect((await ask(`${PATH}/${id}/files/${name}`)).status, name).toBe(404);
    }
    for (const other of ['..', '%2e%2e', id.toUpperCase(), '__proto__']) {
      expect((await ask(`${PATH}/${other}/files/sar.tif`)).status, other).toBe(404);
    }
  });

  it('have names that decide no path', async () => {
    await start();
    const form = new FormData();
    form.append('sar', new File(['radar'], '../../../../tmp/evil.tif'));
    form.append('optical', new File(['optics'], '..\\..\\Zürich: b.tif'));
    const job = await (await post(undefined, {}, form)).json();
    expect([job.inputs.sar.name, job.inputs.optical.name]).toEqual(['evil.tif', 'Zürich_ b.tif']);
    expect(foldersIn('registrations')).toEqual([job.id]);
    expect(existsSync('/tmp/evil.tif')).toBe(false);
  });
});

describe('keys', () => {
  it('see their own jobs, and an admin sees all', async () => {
    await start({ guard: GUARD });
    const mine = await made(undefined, as('mine'));
    const other = await made(undefined, as('other'));
    await ended(other.id, as('other'));
    const ids = async (key: string) => (await list(as(key))).map(({ id }) => id);
    expect(await ids('mine')).toEqual([mine.id]);
    expect(await ids('admin')).toEqual([other.id, mine.id]);
    for (const [path, method] of [
      ['', 'GET'],
      ['', 'DELETE'],
      ['/events', 'GET'],
      ['/files/sar.tif', 'GET'],
    ] as const) {
      expect((await ask(`${PATH}/${other.id}${path}`, method, as('mine'))).status, `${method} ${path}`).toBe(404);
    }
    expect((await ask(`${PATH}/${other.id}/files/sar.tif`, 'GET', as('admin'))).status).toBe(200);
    expect(readFileSync(join(fake.root, 'registrations', mine.id, 'job.json'), 'utf8')).toContain('"owner":"mine"');
    expect(JSON.stringify(mine)).not.toContain('owner');
  });
});

it('counts the bytes of an upload for its key', async () => {
  const spent = new Map<string, number>();
  const spend: Guard['spend'] = async ({ name }, bytes) => void spent.set(name, (spent.get(name) ?? 0) + bytes);
  await start({ guard: { ...GUARD, spend } });
  const server = await listenNode({ fetch: (each) => app.fetch(each), port: 0, host: '127.0.0.1', timeoutMs: 5000 });
  const body = sceneForm({}, 'x'.repeat(100_000));
  for (const key of ['announced', 'streamed']) {
    const content = new Response(body);
    const headers = { ...as(key), 'content-type': content.headers.get('content-type')! };
    const sent = key === 'announced' ? await content.arrayBuffer() : content.body!;
    const response = await fetch(server.url + PATH, {
      method: 'POST',
      body: sent,
      headers,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(202);
    expect(spent.get(key)).toBeGreaterThan(100_000);
    expect(spent.get(key)).toBeLessThan(102_000);
  }
  await server.close(0);
});

describe('a form that is wrong', () => {
  const form = (...parts: [name: string, value: string | File][]) => {
    const made = new FormData();
    for (const [name, value] of parts) made.append(name, value);
    return made;
  };
  const tif = (text = 'x') => new File([text], 'a.tif');
  it.each<[string, FormData, RegExp]>([
    ['without a scene', form(['sar', tif()]), /found no file in "optical"/],
    ['with another field', form(['sar', tif()], ['optical', tif()], ['out', tif()]), /found a field "out"/],
    ['with a scene twice', form(['sar', tif()], ['sar', tif()], ['optical', tif()]), /found "sar" twice/],
    ['with an empty scene', form(['sar', tif('')], ['optical', tif()]), /an empty file in "sar"/],
    [
      'with settings of another kind',
      form(['sar', tif()], ['optical', tif()], ['settings', '{"radius":"far"}']),
      /radius/,
    ],
    ['with unknown settings', form(['sar', tif()], ['optical', tif()], ['settings', '{"out":"/etc"}']), /"out"/],
    ['with settings that are no JSON', form(['sar', tif()], ['optical', tif()], ['settings', '{']), /expected JSON/],
    [
      'with settings twice',
      form(['settings', '{}'], ['settings', '{}'], ['sar', tif()], ['optical', tif()]),
      /"settings" twice/,
    ],
    ['with files of an unknown kind', form(['settings', '{"align":"both"}'], ['sar', tif()]), /align/],
    [
      'with settings that are no object',
      form(['sar', tif()], ['optical', tif()], ['settings', '[]']),
      /an object with settings/,
    ],
  ])('%s, is refused, and nothing stays', async (_, body, message) => {
    await start();
    const problem = await problemIn(await post(undefined, {}, body), 'malformed-request', 400);
    expect(problem.detail).toMatch(message);
    expect([unfinished(), existsSync(join(fake.root, 'registrations'))]).toEqual([[], false]);
  });

  it('in the settings before the scenes is refused before the scenes have come', async () => {
    await start();
    const head = '--XX\r\nContent-Disposition: form-data; name="settings"\r\n\r\n{"radius":"far"}\r\n--XX\r\n';
    const scene = 'Content-Disposition: form-data; name="sar"; filename="a.tif"\r\n\r\nradar';
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(head + scene)), // and nothing more
    });
    const headers = { 'content-type': 'multipart/form-data; boundary=XX' };
    const response = await app.request(PATH, { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
    expect((await problemIn(response, 'malformed-request', 400)).detail).toMatch(/radius/);
    expect(unfinished()).toEqual([]);
  });

  it('in its bytes is refused as well', async () => {
    await start();
    const send = (body: string, type = 'multipart/form-data; boundary=XX') =>
      app.request(PATH, { method: 'POST', body, headers: { 'content-type': type } });
    const head = '--XX\r\nContent-Disposition: form-data; name="sar"';
    await problemIn(await send(`${head}; filename="a.tif"\r\n\r\nrad`), 'malformed-request', 400);
    await problemIn(await send(`${head}; filename*=utf-8''%ff\r\n\r\nrad`), 'malformed-request', 400);
    await problemIn(await send('noise'), 'malformed-request', 400);
    await problemIn(await send('', 'multipart/form-data'), 'malformed-request', 400);
    await problemIn(await send('x', 'text/plain'), 'unsupported-media-type', 415);
    expect(unfinished()).toEqual([]);
  });
});

describe('limits', () => {
  it('on the bytes of an upload, announced or not, compressed or not', async () => {
    await start({ limits: { maxUploadBytes: 2000 } });
    await problemIn(await post(undefined, { 'content-length': '5000' }), 'payload-too-large', 413);
    await problemIn(await post(undefined, {}, sceneForm({}, 'x'.repeat(3000))), 'payload-too-large', 413);
    const bomb = { 'content-encoding': 'gzip', 'content-type': 'multipart/form-data; boundary=XX' };
    const head = '--XX\r\nContent-Disposition: form-data; name="sar"; filename="a"\r\n\r\n';
    const body = gzipSync(head + ' '.repeat(5e6)) as BodyInit;
    await problemIn(await app.request(PATH, { method: 'POST', body, headers: bomb }), 'payload-too-large', 413);
    expect(unfinished()).toEqual([]);
    expect(await list()).toEqual([]);
  });

  it('on the number of jobs: the oldest finished one of the same key goes, no other', async () => {
    await start({ guard: GUARD, limits: { maxJobs: 3 } });
    const [old, mine, other] = [await made({}, as('mine')), await made({}, as('mine')), await made({}, as('other'))];
    await ended(other.id, as('other'));
    const last = await made({ seed: DO.hang }, as('mine'));
    expect((await list(as('admin'))).map(({ id }) => id)).toEqual([last.id, other.id, mine.id]);
    expect(foldersIn('registrations')).not.toContain(old.id);
    const refused = await problemIn(await post({}, as('third')), 'no-room', 503);
    expect(refused.detail).toMatch(/Delete finished registrations/);
    expect(foldersIn('registrations')).toHaveLength(3);
  });

  it('on the bytes of all jobs, of which an unfinished one counts three times its scenes', async () => {
    await start({ limits: { maxDataBytes: 4000 } });
    const half = () => sceneForm({ seed: DO.hang }, 'x'.repeat(500), 'y'.repeat(200));
    expect((await post(undefined, {}, half())).status).toBe(202);
    await problemIn(await post(undefined, {}, half()), 'no-room', 503);
    expect(await list()).toHaveLength(1);
    const metrics = await (await ask('/metrics')).text();
    expect(metrics).toContain('doppel_registration_bytes 2100');
    expect(metrics).toContain('doppel_registrations{state="running"} 1');
  });

  it('that cannot be kept by forgetting jobs cost none', async () => {
    await start({ limits: { maxDataBytes: 4000 } });
    const small = await made();
    await ended(small.id);
    const hanging = sceneForm({ seed: DO.hang }, 'x'.repeat(500), 'y'.repeat(200)); // 2100 bytes
    expect((await post(undefined, {}, hanging)).status).toBe(202);
    await problemIn(await post(undefined, { 'content-length': '1000' }), 'no-room', 503);
    expect((await jobAt(small.id)).state).toBe('done');
    expect(foldersIn('registrations')).toContain(small.id);
  });

  it('on the age of a finished job', async () => {
    await start({ limits: { keepMs: 50 } });
    const { id } = await made();
    await ended(id);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect((await fake.reopen()).list({ owner: undefined, seesAll: true })).toEqual([]);
    expect(foldersIn('registrations')).toEqual([]);
  });
});

describe('a server that ends', () => {
  const all = { owner: undefined, seesAll: true };

  it('leaves a running job to the next, which starts it again, and its streams end', async () => {
    const runs: string[] = [];
    await start({ run: (folder, task, watch) => (runs.push(folder), fakeRun(folder, task, watch)) });
    const { id } = await made({ seed: DO.hang });
    const waiting = await made();
    await isRunning(id);
    const events = eventsOf(id);
    const jobs = await fake.reopen();
    expect((await events).at(-1)).toMatchObject({ id, state: 'queued' });
    await expect.poll(() => jobs.find(id, all)?.state).toBe('running');
    await expect.poll(() => runs.length).toBe(2);
    expect(JSON.parse(readFileSync(join(fake.root, 'registrations', id, 'job.json'), 'utf8')).attempts).toBe(1);
    await jobs.remove(id, all);
    await expect.poll(() => jobs.find(waiting.id, all)?.state).toBe('done');
  });

  it('at once, three times, makes a job fail with the reason', async () => {
    await start();
    const { id } = await made({ seed: DO.hang });
    await isRunning(id);
    const file = join(fake.root, 'registrations', id, 'job.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    // A server that is killed leaves the job as running.
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      await fake.jobs.close();
      writeFileSync(file, JSON.stringify({ ...record, state: 'running', attempts: attempt }));
      const jobs = await fake.reopen();
      if (attempt < MAX_ATTEMPTS) await expect.poll(() => jobs.find(id, all)?.state).toBe('running');
    }
    expect(fake.jobs.find(id, all)).toMatchObject({
      state: 'failed',
      problem: { type: 'urn:doppel:problem:interrupted' },
    });
  });

  it('finds a record that cannot be read, says so and leaves it alone', async () => {
    await start();
    const { id } = await made();
    await ended(id);
    const file = join(fake.root, 'registrations', id, 'job.json');
    await isKept(id, 'done');
    writeFileSync(file, '{"version": 2}');
    expect((await fake.reopen()).list(all)).toEqual([]);
    expect(fake.log.join()).toContain(`${id} cannot be read and is left alone`);
    expect(readFileSync(file, 'utf8')).toBe('{"version": 2}');
  });
});

it('starts a job again whose process is killed, and gives it up after three attempts', async () => {
  let runs = 0;
  await start({ run: (folder, task, watch) => (runs++, fakeRun(folder, task, watch)) });
  const { problem } = await ended((await made({ seed: DO.die })).id);
  expect(runs).toBe(MAX_ATTEMPTS);
  expect(problem).toMatchObject({ type: 'urn:doppel:problem:interrupted', found: 'SIGKILL each time' });
  expect(await (await ask('/metrics')).text()).toContain('doppel_registration_restarts_total 2');
});

describe('a full disk', () => {
  /** Store whose files fit in as many bytes. */
  class SmallStore extends FileStore {
    room = 1000;
    override async create(path: string) {
      const writer = await super.create(path);
      const write = async (bytes: Uint8Array) => {
        this.room -= bytes.length;
        if (this.room < 0) throw new FileError({ action: 'write', file: path, found: 'a full disk' });
        await writer.write(bytes);
      };
      return { ...writer, write, finish: () => writer.finish(), discard: () => writer.discard() };
    }
    override async write(path: string, bytes: Uint8Array | string) {
      if (this.room < bytes.length) throw new FileError({ action: 'write', file: path, found: 'a full disk' });
      await super.write(path, bytes);
    }
  }

  it('refuses an upload and leaves nothing of it; with room again, all goes on', async () => {
    const store = new SmallStore();
    await start({ store });
    const big = () => post(undefined, {}, sceneForm({}, 'x'.repeat(2000)));
    const problem = await problemIn(await big(), 'no-room', 503);
    expect(problem.detail).toMatch(/found a full disk/);
    expect(problem.detail).not.toContain(fake.root);
    expect(unfinished()).toEqual([]);
    store.room = 10_000;
    const { id } = await (await big()).json();
    expect((await ended(id)).state).toBe('done');
  });

  it('keeps a job going whose record cannot be saved, and says so', async () => {
    const store = new SmallStore();
    await start({ store });
    const { id } = await made({ seed: DO.hang });
    await isRunning(id);
    store.room = 0;
    expect((await ask(`${PATH}/${id}`, 'DELETE')).status).toBe(204);
    expect((await jobAt(id)).state).toBe('cancelled');
    expect(fake.log.join()).toMatch(/cancelled, which cannot be saved: .*full disk/);
  });

  const mount = mkdtempSync(join(tmpdir(), 'doppel-small-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', mount]);
  it.skipIf(mounted.status !== 0)(
    `of 256 KB, a real one${mounted.status === 0 ? '' : ' (skipped: this user may not mount a tmpfs)'}`,
    async () => {
      try {
        await start({ root: mount });
        const scene = 'x'.repeat(150_000);
        await problemIn(await post(undefined, {}, sceneForm({}, scene, scene)), 'no-room', 503);
        expect(unfinished()).toEqual([]);
        const { id } = await (await post(undefined, {}, sceneForm({}, scene))).json();
        expect((await ended(id)).state).toBe('done');
      } finally {
        await fake.jobs.close();
        execFileSync('umount', [mount]);
        rmSync(mount, { recursive: true });
      }
    },
  );
});

describe('a client', () => {
  const HEAD = '--XX\r\nContent-Disposition: form-data; name="sar"; filename="a.tif"\r\n\r\nradar';

  async function listen(timeoutMs: number) {
    await start({ limits: { timeoutMs } });
    const server = await listenNode({ fetch: (each) => app.fetch(each), port: 0, host: '127.0.0.1', timeoutMs });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    const type = 'Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 100000\r\n';
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\n${type}\r\n${HEAD}`);
    await expect.poll(() => unfinished().length, { timeout: 10_000 }).toBe(1);
    return { server, socket };
  }

  it('that breaks off an upload leaves nothing', async () => {
    const { server, socket } = await listen(60_000);
    socket.destroy();
    await expect.poll(unfinished, { timeout: 10_000 }).toEqual([]);
    expect(await list()).toEqual([]);
    await server.close(0);
  });

  it('that sends too slowly gets 408, and leaves nothing', async () => {
    const { server, socket } = await listen(500);
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => {});
    await expect.poll(() => answer, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('at least 64 kB in a second');
    expect(unfinished()).toEqual([]);
    socket.destroy();
    await server.close(0);
  });

  it('that leaves a stream of events is forgotten', async () => {
    await start();
    const { id } = await made({ seed: DO.hang });
    const server = await listenNode({ fetch: (each) => app.fetch(each), port: 0, host: '127.0.0.1', timeoutMs: 5000 });
    const leaving = new AbortController();
    const response = await fetch(`${server.url}${PATH}/${id}/events`, { signal: leaving.signal });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('event: job');
    leaving.abort();
    await expect(reader.read()).rejects.toThrow();
    const since = performance.now();
    await server.close(5000);
    expect(performance.now() - since).toBeLessThan(4000); // no stream keeps it open
  });
});

it('without a folder, says how to get one', async () => {
  await start();
  app = createApp({ models: soleModel(fakeScorer()) });
  const problem = await problemIn(await ask(PATH), 'not-enabled', 503);
  expect(problem.detail).toContain('--data FOLDER');
  await problemIn(await post(), 'not-enabled', 503);
  expect(await (await ask('/v1/examples')).json()).toEqual({ examples: [] });
});
