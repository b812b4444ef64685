/** The server as a program: `doppel serve` and its own entry point, with a real model on a real thread. */
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@doppel/core/backends';
import { denseCheckpoint, noisePatch, noiseScenes, tinyCheckpoint } from '../server/tiny_model.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What runs a package's program on this runtime. */
const PERMISSIONS = ['--unstable-no-legacy-abort', '--allow-net', '--allow-read', '--allow-env', '--allow-sys']; // as docs/server.md has them

/** What registrations need on Deno beyond that, as docs/server.md has it. */
const JOB_PERMISSIONS = (data) => [`--allow-write=${data}`, '--allow-run'];

const programOf = (isDeno, packageName, file, more = []) =>
  isDeno
    ? [
        globalThis.Deno.execPath(),
        [
          'run',
          ...(packageName === 'server' ? [...PERMISSIONS, ...more] : ['-A']),
          '--conditions=source',
          `packages/${packageName}/src/${file}.ts`,
        ],
      ]
    : [process.execPath, [`packages/${packageName}/dist/${file}.js`]];

async function modelIn(scratch) {
  await selectBackend({ requested: 'cpu' });
  const file = join(scratch, 'tiny.safetensors');
  writeFileSync(file, tinyCheckpoint());
  return file;
}

/** Starts a server, and waits for the line of JSON that says that it is ready. */
async function start([program, args], ...flags) {
  const child = spawn(program, [...args, ...flags, '--port', '0', '--json'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  const ready = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout += line;
      resolve(JSON.parse(line));
    });
    void ended.then(() => reject(new Error(`the server ended: ${stderr}`)));
  });
  const stop = async (signal = 'SIGTERM') => {
    process.kill(child.pid, signal); // Deno's child.kill has the exit code forgotten
    return { ...(await ended), stdout, stderr };
  };
  return { ...ready, pid: child.pid, stop, kill: () => child.kill('SIGKILL') };
}

const pairOf = (seed, id) => ({
  ...(id && { id }),
  sar: { data: noisePatch(seed).samples },
  optical: { data: noisePatch(seed + 1000).samples },
});

async function post(url, body) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/match`, { method: 'POST', body: JSON.stringify(body), headers });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
}

async function exerciseServer({ assert, server }) {
  const { url, backend, model } = server;
  const page = await fetch(`${url}/`);
  assert(
    (page.headers.get('content-security-policy') ?? '').startsWith("default-src 'none'"),
    'the page has its policy',
  );
  assert((await page.text()).includes('<title>doppel</title>'), 'the page is served');
  assert.equal(model, 'tiny.safetensors');
  const described = await (await fetch(`${url}/v1/model`)).json();
  assert.deepEqual([described.preset, described.side, described.backend], ['two-channel', 64, backend]);

  const form = new FormData();
  form.append('sar', new File([noisePatch(1).png], 'sar.png'));
  form.append('optical', new File([noisePatch(1001).png], 'optical.png'));
  const file = await (await fetch(`${url}/v1/match`, { method: 'POST', body: form })).json();
  const samples = await post(url, pairOf(1));
  assert.ok(Math.abs(file.score - samples.body.score) < 1e-5);

  const seeds = Array.from({ length: 40 }, (_, i) => i);
  const together = await post(url, { pairs: seeds.map((seed) => pairOf(seed, `${seed}`)) });
  const alone = await Promise.all(seeds.map((seed) => post(url, pairOf(seed, `${seed}`))));
  for (const seed of seeds) {
    const [many, one] = [together.body.results[seed], alone[seed].body.results[0]];
    assert.equal(many.id, `${seed}`);
    assert.equal(one.id, `${seed}`);
    assert.ok(Math.abs(many.score - one.score) < 1e-4, `${many.score} in a batch, ${one.score} among others`);
  }

  const bad = await post(url, { sar: [[1]], optical: [[1]] });
  assert.deepEqual([bad.status, bad.type], [422, 'application/problem+json']);
  assert.match(bad.body.detail, /64 × 64/);

  // Large bodies are read on a thread of their own.
  const large = await post(url, { pairs: [{ id: 'x'.repeat(2 ** 20), ...pairOf(1) }, pairOf(1)] });
  assert.equal(large.body.results[0].error.status, 400);
  assert.ok(Math.abs(large.body.results[1].score - file.score) < 1e-5);
  const broken = await post(url, ' '.repeat(2 ** 20));
  assert.deepEqual([broken.status, broken.body.type], [400, 'urn:doppel:problem:malformed-request']);
}

/** How often /healthz answers while a large request is scored. */
async function answersDuring(url, work) {
  let [isDone, answers] = [false, 0];
  const finished = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await (await fetch(`${url}/healthz`)).text();
    answers++;
  }
  await finished;
  return answers;
}

export const tests = {
  async 'doppel serve scores, answers meanwhile, and ends cleanly'({ assert, scratch, isDeno }) {
    const server = await start(
      [...programOf(isDeno, 'cli', 'main')].map((part, i) => (i ? [...part, 'serve'] : part)),
      '--model',
      await modelIn(scratch),
    );
    try {
      await exerciseServer({ assert, server });
      const body = { pairs: Array.from({ length: 64 }, (_, i) => pairOf(i)) };
      assert.ok((await answersDuring(server.url, post(server.url, body))) > 3);

      const last = post(server.url, { pairs: [pairOf(1)] });
      await new Promise((resolve) => setTimeout(resolve, 20)); // it has arrived
      const { code, stdout, stderr } = await server.stop('SIGTERM');
      assert.equal((await last).status, 200);
      assert.equal(code, 0);
      assert.match(stderr, /SIGTERM: answering the requests in progress/);
      assert.equal(JSON.parse(stdout).url, server.url, 'one JSON object on stdout');
    } finally {
      server.kill();
    }
  },

  async 'the server runs by itself'({ assert, scratch, isDeno }) {
    const program = programOf(isDeno, 'server', 'runtime/main');
    const server = await start(program, '--model', await modelIn(scratch), '--backend', 'wasm', '--workers', '2');
    try {
      assert.equal(server.backend, 'wasm');
      await exerciseServer({ assert, server });
      assert.equal((await server.stop('SIGINT')).code, 0);
    } finally {
      server.kill();
    }
  },

  async 'a server with keys asks for them, and serves a model file that was replaced after SIGHUP'({
    assert,
    doppel,
    scratch,
    isDeno,
  }) {
    const [model, keys] = [await modelIn(scratch), join(scratch, 'keys.json')];
    const { stdout: key, stderr } = doppel('serve', 'keys', 'add', 'client', '--scope', 'match', '--keys', keys);
    assert.match(key, /^doppel_/, stderr);
    const program = programOf(isDeno, 'server', 'runtime/main');
    const flags = ['--model', `tiny=${model}`, '--backend', 'wasm', '--host', '0.0.0.0', '--keys', keys];
    const server = await start(program, ...flags);
    const headers = { authorization: `Bearer ${key.trim()}`, 'content-type': 'application/json' };
    const get = (path, more = { headers }) => fetch(server.url + path, more);
    const tensor = (name, seed) => {
      return { name, datatype: 'UINT8', shape: [1, 64, 64, 1], data: noisePatch(seed).samples };
    };
    const body = JSON.stringify({ inputs: [tensor('sar', 1), tensor('optical', 1001)] });
    const infer = async () => {
      const response = await fetch(`${server.url}/v2/models/tiny/infer`, { method: 'POST', headers, body });
      assert.equal(response.status, 200);
      return response.json();
    };
    try {
      assert.equal((await get('/v1/model', {})).status, 401);
      assert.equal((await get('/v2/health/ready', {})).status, 200);
      const before = await infer();
      writeFileSync(`${model}.next`, tinyCheckpoint(2));
      renameSync(`${model}.next`, model);
      process.kill(server.pid, 'SIGHUP');
      let after = before;
      for (let i = 0; i < 400 && after.model_version === before.model_version; i++) {
        after = await infer(); // and none fails meanwhile
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.notEqual(after.model_version, before.model_version);
      assert.ok(Math.abs(after.outputs[0].data[0] - before.outputs[0].data[0]) > 1e-6);
      doppel('serve', 'keys', 'remove', 'client', '--keys', keys);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.equal((await get('/v1/model')).status, 401);

      assert.equal((await server.stop('SIGTERM')).code, 0);
    } finally {
      server.kill();
    }
  },

  async 'scenes are registered beside, by jobs that survive the server'({ assert, scratch, isDeno }) {
    const data = join(scratch, 'data');
    const program = programOf(isDeno, 'server', 'runtime/main', JOB_PERMISSIONS(data));
    const flags = ['--model', await modelIn(scratch), '--backend', 'wasm', '--data', data];
    const scenes = noiseScenes();
    let server = await start(program, ...flags);
    try {
      const post = async (optical, settings) => {
        const form = new FormData();
        form.append('sar', new File([scenes.sar], 'radar.tif'));
        form.append('optical', new File([optical], 'optical.tif'));
        form.append('settings', JSON.stringify(settings));
        const response = await fetch(`${server.url}/v1/registrations`, { method: 'POST', body: form });
        assert.equal(response.status, 202);
        return response.json();
      };
      const ended = async ({ links }) => {
        const events = await (await fetch(server.url + links.events)).text();
        return JSON.parse(events.split('data: ').at(-1));
      };
      const broken = await ended(await post('noise', {}));
      assert.equal(broken.state, 'failed');
      const { type, status, file, detail } = broken.problem;
      assert.deepEqual([type, status, file], ['urn:doppel:problem:unusable-scene', 422, 'optical']);
      assert.match(detail, /^Cannot .* optical\.tif: expected .*, found .*\. \S/);
      assert.ok(!detail.includes(scratch), detail);

      const quick = {
        features: 'gradients',
        radius: '8px',
        search: 8,
        cells: 5,
        side: 32,
        asNamed: true,
        align: 'sar',
      };
      const job = await post(scenes.optical, quick);
      const { body } = await fetch(server.url + job.links.events);
      let seen = '';
      for await (const part of body.pipeThrough(new TextDecoderStream())) {
        seen += part;
        if (seen.includes('"progress"')) break;
      }
      const { code } = await server.stop('SIGTERM');
      assert.equal(code, 0);
      server = await start(program, ...flags);
      const { state, result, files } = await ended(job);
      assert.deepEqual([state, result.status], ['done', 'trusted']);
      assert.equal(
        Object.values(result.points).reduce((sum, count) => sum + count),
        25,
      );
      const table = files.find(({ name }) => name === 'tie_points.csv');
      const text = await (await fetch(server.url + table.href)).text();
      assert.equal(text.length, table.bytes);
      assert.ok(!files.some(({ name }) => name === 'aligned_optical.tif'));
      const aligned = files.find(({ name }) => name === 'aligned_sar.tif');
      const scene = Buffer.from(await (await fetch(server.url + aligned.href)).arrayBuffer());
      assert.deepEqual([scene.length, scene.toString('latin1', 0, 2)], [aligned.bytes, 'II']);
      const { href } = files.find(({ name }) => name === 'registration.json');
      const { sar } = await (await fetch(server.url + href)).json();
      assert.equal(sar.file, 'sar/radar.tif');
      assert.equal((await fetch(server.url + job.links.self, { method: 'DELETE' })).status, 204);
      assert.equal((await server.stop('SIGTERM')).code, 0);
    } finally {
      server.kill();
    }
  },

  async 'a gallery is searched as by the command line, and again when scenes were added'({
    assert,
    doppel,
    scratch,
    isDeno,
  }) {
    await selectBackend({ requested: 'cpu' });
    const [model, gallery, patch] = ['dense.safetensors', 'gallery', 'patch.png'].map((name) => join(scratch, name));
    const scenes = [1, 2].map((seed) => join(scratch, `scene${seed}.png`));
    writeFileSync(model, denseCheckpoint());
    writeFileSync(patch, noisePatch(9).png);
    for (const [i, scene] of scenes.entries()) writeFileSync(scene, noisePatch(i + 1, 104).png);
    const run = (...args) => {
      const { stdout, stderr, status } = doppel('gallery', ...args, '--backend', 'wasm', '--json');
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    };
    run('build', scenes[0], '--model', model, '--out', gallery);
    const program = programOf(isDeno, 'server', 'runtime/main');
    const server = await start(program, '--model', model, '--backend', 'wasm', '--gallery', `g=${gallery}`);
    const search = async () => {
      const form = new FormData();
      form.append('image', new File([noisePatch(9).png], 'patch.png'));
      form.append('k', '4');
      const response = await fetch(`${server.url}/v1/search`, { method: 'POST', body: form });
      assert.equal(response.status, 200);
      return (await response.json()).features.map(({ properties }) => properties);
    };
    const windowsOf = (places) => places.map(({ scene, window }) => ({ scene, ...window }));
    try {
      const [first] = await search();
      assert.equal(first.scene, 'scene1.png');
      const picture = await fetch(server.url + first.picture);
      assert.equal(picture.headers.get('content-type'), 'image/png');
      await picture.arrayBuffer();
      run('add', gallery, scenes[1], '--model', model);
      const { galleries } = await (await fetch(`${server.url}/v1/admin/reload`, { method: 'POST' })).json();
      assert.deepEqual(galleries, [{ name: 'g', tiles: 72, changed: true }]);
      const { places } = run('search', gallery, '--sar', patch, '--k', '4', '--model', model);
      assert.deepEqual(windowsOf(await search()), windowsOf(places));
      assert.equal((await server.stop('SIGTERM')).code, 0);
    } finally {
      server.kill();
    }
  },

  async 'a server that cannot start says why'({ assert, doppel, scratch }) {
    const model = await modelIn(scratch);
    const noise = join(scratch, 'noise.safetensors');
    writeFileSync(noise, 'noise');
    const other = createServer();
    await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
    const taken = `${other.address().port}`;
    // The flags themselves are tested in test/server/runtime/flags.test.ts.
    for (const [args, status, message] of [
      [['--model', '/nowhere.safetensors'], 1, /\/nowhere\.safetensors.*s1s2-10m/],
      [['--model', model, '--host', '0.0.0.0'], 2, /--keys FILE.*--insecure/],
      [['--model', model, '--keys', join(scratch, 'no-keys.json')], 1, /doppel serve keys add/],
      [['--model', noise, '--port', '0'], 1, /noise\.safetensors/],
      [['--model', model, '--port', '0', '--gallery', scratch], 1, /doppel gallery build/],
      [['--model', model, '--port', taken], 1, /another program/],
    ]) {
      const { stderr, stdout, status: found } = doppel('serve', ...args);
      assert.equal(found, status, `${args.join(' ')}: ${stderr}`);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
    other.close();
  },
};
