/**
 * The peer of bench/serve.mjs: the same network in onnxruntime-node behind a plain Hono route, as one would write it.
 *
 *     node bench/serve_peer.mjs pair.onnx SIDE THREADS
 *
 * `POST /json` takes {"sar", "optical"} as base64 of float32, `POST /binary` the same samples raw, one behind the other.
 */
import { argv } from 'node:process';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [file, side, threads] = [argv[2], Number(argv[3]), Number(argv[4])];
const session = await InferenceSession.create(file, {
  ...{ executionProviders: ['cpu'], graphOptimizationLevel: 'all' },
  intraOpNumThreads: threads,
});

async function score(sar, optical) {
  const tensor = (samples) => new Tensor('float32', samples, [1, 1, side, side]);
  const { score, probability } = await session.run({ sar: tensor(sar), optical: tensor(optical) });
  return { score: score.data[0], probability: probability.data[0] };
}

const floats = (text) => {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};

const app = new Hono();
app.post('/json', async (c) => {
  const { sar, optical } = await c.req.json();
  return c.json(await score(floats(sar), floats(optical)));
});
app.post('/binary', async (c) => {
  const samples = new Float32Array(await c.req.arrayBuffer());
  return c.json(await score(samples.slice(0, side * side), samples.slice(side * side)));
});
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
