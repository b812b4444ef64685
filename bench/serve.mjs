/**
 * Load on the server: pairs per second and latencies of `doppel serve`, beside the same network in onnxruntime-node behind a
 * plain Hono route (serve_peer.mjs), in turn in one run. autocannon sends from this process, each server has its own.
 *
 *     npm run build && node bench/serve.mjs [--preset paper-bn] [--side 64] [--clients 1,8,64] [--seconds 10] [--rounds 3]
 *         [--forms json,multipart,binary] [--backend native] [--threads N] [--workers 1] [--json]
 *     node bench/serve.mjs --check 100000        every request gets its own answer once, at 64 clients
 *     node bench/serve.mjs --soak 3600           resident memory of the last minute against that of the second
 *     node bench/serve.mjs --jobs [--clients 8]  latencies while scenes are registered, against those without, in turn
 *
 * One pair a request. The medians of the rounds count.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { selectBackend } from '../packages/core/dist/backends/index.js';
import { exportOnnx } from '../packages/core/dist/export/index.js';
import { createMatcher, writeCheckpoint } from '../packages/core/dist/matcher/index.js';
import { encodePatch } from '../packages/core/dist/raster/index.js';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    ...{ preset: text('paper-bn'), side: text('64'), clients: text('1,8,64'), forms: text('json,multipart,binary') },
    ...{ seconds: text('10'), rounds: text('3'), backend: text('native'), workers: text('1') },
    ...{ threads: text(`${availableParallelism()}`), check: { type: 'string' }, soak: { type: 'string' } },
    jobs: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const side = Number(flags.side);
const folder = mkdtempSync(join(tmpdir(), 'doppel-bench-serve-'));
const children = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Checkpoint with random weights: speed does not depend on them. */
async function checkpointOf(preset) {
  await selectBackend({ requested: 'cpu' });
  const matcher = createMatcher({ preset, side, sarBands: 1, opticalBands: 1, seed: 1 });
  const tensors = new Map();
  for (const [name, tensor] of [...matcher.parameters, ...matcher.statistics]) {
    tensors.set(name, { shape: tensor.shape, data: await tensor.data() });
  }
  const common = { clip: null, standardise: 'patch' };
  const digital = 'digital number';
  return writeCheckpoint({
    ...{ matcher: matcher.config, tensors, metrics: {}, backend: 'cpu', training: {} },
    normalisation: {
      ...{ version: 1, side },
      sar: { source: digital, unit: digital, bands: 1, speckleFilter: null, ...common },
      optical: { bands: 'gray', ...common },
    },
    trainedOn: { folder: 'none', dataFingerprint: 'none' },
    inputs: { from: null, negatives: null },
  });
}

/** Samples of 8 bits from a seed: what files hold too. */
function patch(seed) {
  let state = seed + 1;
  return Float32Array.from({ length: side * side }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 1 + (state >>> 24) / 1.01;
  }).map(Math.floor);
}

/** Starts a program that prints one line of JSON with its address. */
async function start(script, ...args) {
  const environment = { ...process.env, DOPPEL_NATIVE_THREADS: flags.threads };
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
    ...{ stdio: ['ignore', 'pipe', 'inherit'], env: environment },
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const line = await new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  return JSON.parse(line).url;
}

const base64 = (samples) => Buffer.from(samples.buffer).toString('base64');
const raw = (...parts) => Buffer.concat(parts.map(({ buffer }) => Buffer.from(buffer)));

/** Requests of one pair by form, for doppel and for the peer. */
function requestsOf(sar, optical) {
  const image = (samples) => ({ data: base64(samples), shape: [side, side] });
  const tensor = (name) => ({
    ...{ name, datatype: 'FP32', shape: [1, side, side, 1] },
    parameters: { binary_data_size: 4 * side * side },
  });
  const head = Buffer.from(
    JSON.stringify({ inputs: [tensor('sar'), tensor('optical')], parameters: { binary_data_output: true } }),
  );
  const boundary = 'doppel-bench';
  const file = (name, data) => {
    const { bytes } = encodePatch({ data, width: side, height: side, bands: 1, unit: 'digital number' });
    const disposition = `Content-Disposition: form-data; name="${name}"; filename="${name}.png"`;
    return Buffer.concat([Buffer.from(`--${boundary}\r\n${disposition}\r\n\r\n`), bytes, Buffer.from('\r\n')]);
  };
  const form = Buffer.concat([file('sar', sar), file('optical', optical), Buffer.from(`--${boundary}--\r\n`)]);
  const json = { 'content-type': 'application/json' };
  const octets = { 'content-type': 'application/octet-stream' };
  return {
    json: {
      doppel: { path: '/v1/match', headers: json, body: JSON.stringify({ sar: image(sar), optical: image(optical) }) },
      peer: { path: '/json', headers: json, body: JSON.stringify({ sar: base64(sar), optical: base64(optical) }) },
    },
    multipart: {
      doppel: {
        path: '/v1/match',
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: form,
      },
    },
    binary: {
      doppel: {
        path: '/v2/models/pair/infer',
        headers: { ...octets, 'inference-header-content-length': `${head.length}` },
        body: Buffer.concat([head, raw(sar, optical)]),
      },
      peer: { path: '/binary', headers: octets, body: raw(sar, optical) },
    },
  };
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;

/** One turn of load. */
function load(url, { path, headers, body }, connections, seconds) {
  return new Promise((resolve, reject) => {
    const times = [];
    let failed = 0;
    const options = { url: url + path, method: 'POST', headers, body, connections, duration: seconds };
    const instance = autocannon(options, (error, result) => {
      if (error) return reject(error);
      times.sort((a, b) => a - b);
      const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(times, q));
      failed += result.errors + result.timeouts;
      resolve({ rate: times.length / result.duration, p50, p95, p99, failed });
    });
    instance.on('response', (_client, status, _bytes, time) => {
      if (status === 200) times.push(time);
      else failed++;
    });
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function medians(turns) {
  const of = (key) => median(turns.map((turn) => turn[key]));
  return {
    ...{ rate: of('rate'), p50: of('p50'), p95: of('p95'), p99: of('p99') },
    failed: turns.reduce((sum, { failed }) => sum + failed, 0),
  };
}

async function compare(urls) {
  const requests = requestsOf(patch(1), patch(2));
  const results = [];
  for (const clients of flags.clients.split(',').map(Number)) {
    for (const form of flags.forms.split(',')) {
      const turns = { doppel: [], peer: [] };
      for (let round = 0; round < Number(flags.rounds); round++) {
        for (const [name, sent] of Object.entries(requests[form])) {
          await load(urls[name], sent, clients, 1); // warm
          turns[name].push(await load(urls[name], sent, clients, Number(flags.seconds)));
        }
      }
      const [doppel, peer] = [medians(turns.doppel), turns.peer.length > 0 && medians(turns.peer)];
      results.push({ clients, form, doppel, ...(peer && { peer, ratio: doppel.rate / peer.rate }) });
      if (!flags.json) print(results.at(-1));
    }
  }
  return results;
}

function print({ clients, form, doppel, peer, ratio }) {
  const line = ({ rate, p50, p95, p99, failed }) =>
    `${rate.toFixed(0)} pairs/s, ${[p50, p95, p99].map((ms) => ms.toFixed(1)).join(' / ')} ms${failed ? `, ${failed} failed` : ''}`;
  const beside = peer ? `; onnxruntime ${line(peer)}; ratio ${ratio.toFixed(2)}` : '';
  console.log(`${clients} clients, ${form}: doppel ${line(doppel)}${beside}`);
}

/** Sends requests whose answers are known, at 64 clients; throws for an answer that is lost, double or another's. */
async function check(url, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const images = Array.from({ length: 50 }, (_, i) => ({ data: base64(patch(i)), shape: [side, side] }));
  const ask = (i) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ pairs: [{ id: `${i}`, sar: images[i % 50], optical: images[(i + 1) % 50] }] });
      const headers = { 'content-type': 'application/json' };
      const sent = httpRequest(`${url}/v1/match`, { method: 'POST', agent, headers }, async (response) => {
        const parts = [];
        for await (const part of response) parts.push(part);
        resolve(JSON.parse(Buffer.concat(parts).toString()).results?.[0]);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const expected = [];
  for (let i = 0; i < 50; i++) expected.push((await ask(i)).score);
  let [next, wrong] = [0, 0];
  const clients = Array.from({ length: 64 }, async () => {
    while (next < count) {
      const i = next++;
      const result = await ask(i);
      if (result?.id !== `${i}` || Math.abs(result.score - expected[i % 50]) > 1e-3) wrong++;
    }
  });
  await Promise.all(clients);
  agent.destroy();
  console.log(`${count} requests at 64 clients: ${wrong} lost, double or another's`);
  if (wrong > 0) process.exitCode = 1;
}

const residentOf = async (url) => {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)[1]);
};

/**
 * Load for some time, and the memory of its last minute against that of its second: medians, as the heap grows and shrinks
 * between collections. A shorter soak has shorter windows.
 */
async function soak(url, seconds) {
  const { json } = requestsOf(patch(1), patch(2));
  const window = Math.min(60, seconds / 3);
  const samples = [];
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  const watch = setInterval(async () => samples.push([elapsed(), await residentOf(url)]), (1000 * window) / 12);
  await load(url, json.doppel, 64, seconds);
  clearInterval(watch);
  const between = (from, to) => median(samples.filter(([at]) => at > from && at <= to).map(([, bytes]) => bytes));
  const [before, after] = [between(window, 2 * window), between(seconds - window, seconds)];
  const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
  const ratio = (after / before).toFixed(3);
  console.log(`resident memory from ${window} s: ${mb(before)}, in the last ${window} s: ${mb(after)}, ratio ${ratio}`);
  if (after / before > 1.1) process.exitCode = 1;
}

/** Keeps a registration running. @returns function that ends it. */
async function keepRegistering(url) {
  const post = async () => {
    const body = JSON.stringify({ example: 'demo' });
    const response = await fetch(`${url}/v1/registrations`, {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/json' } },
    });
    if (response.status !== 202) throw new Error(`no registration: ${await response.text()}`);
    return response.json();
  };
  const [first, second] = [await post(), await post()]; // the second follows where the first ends within a turn
  for (let state = 'queued'; state === 'queued'; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    ({ state } = await (await fetch(url + first.links.self)).json());
  }
  return async () => {
    for (const { links } of [second, first]) {
      const { state } = await (await fetch(url + links.self)).json();
      if (links === second.links && state !== 'queued' && state !== 'running')
        throw new Error('a turn outlasted two jobs');
      for (let i = 0; i < 2; i++) await fetch(url + links.self, { method: 'DELETE' }); // cancelled, then forgotten
    }
  };
}

/** Latencies of scoring beside a registration and without, in turn; fails where the 95 % quantile is over three times. */
async function besideJobs(url, clients) {
  const { json } = requestsOf(patch(1), patch(2));
  const turns = { alone: [], beside: [] };
  await load(url, json.doppel, clients, 2); // warm
  for (let round = 0; round < Number(flags.rounds); round++) {
    turns.alone.push(await load(url, json.doppel, clients, Number(flags.seconds)));
    const end = await keepRegistering(url);
    turns.beside.push(await load(url, json.doppel, clients, Number(flags.seconds)));
    await end();
  }
  const [alone, beside] = [medians(turns.alone), medians(turns.beside)];
  const line = ({ rate, p50, p95, p99 }) =>
    `${rate.toFixed(0)} pairs/s, ${[p50, p95, p99].map((ms) => ms.toFixed(1)).join(' / ')} ms`;
  const ratio = beside.p95 / alone.p95;
  console.log(
    `${clients} clients: alone ${line(alone)}; beside a registration ${line(beside)}; p95 × ${ratio.toFixed(2)}`,
  );
  if (ratio > 3 || alone.failed + beside.failed > 0) process.exitCode = 1;
}

const checkpoint = await checkpointOf(flags.preset);
const [model, onnx] = [join(folder, 'model.safetensors'), join(folder, 'pair.onnx')];
writeFileSync(model, checkpoint);
const doppelArgs = [
  'serve',
  '--model',
  model,
  '--port',
  '0',
  '--json',
  '--backend',
  flags.backend,
  '--data',
  join(folder, 'data'),
];
const doppel = await start('../packages/cli/dist/main.js', ...doppelArgs, '--workers', flags.workers);
if (flags.check) await check(doppel, Number(flags.check));
else if (flags.soak) await soak(doppel, Number(flags.soak));
else if (flags.jobs) for (const clients of flags.clients.split(',')) await besideJobs(doppel, Number(clients));
else {
  const [pair] = await exportOnnx(checkpoint, flags.preset);
  writeFileSync(onnx, pair.bytes);
  const peer = await start('serve_peer.mjs', onnx, `${side}`, flags.threads);
  const results = await compare({ doppel, peer });
  const machine = {
    processor: cpus()[0].model,
    threads: flags.threads,
    node: process.versions.node,
    load: loadavg()[0],
  };
  console.log(flags.json ? JSON.stringify({ machine, results }) : JSON.stringify(machine));
}
process.exit();
