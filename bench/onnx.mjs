/**
 * Pairs per second of scoring: the backend `native` against onnxruntime-node on our own export of the same weights.
 *
 *     npm run build && node bench/onnx.mjs [--presets paper-bn,dense] [--size 64] [--batches 64,1] [--repeats 15]
 *         [--threads N] [--width 16] [--json]
 *
 * --width is that of `dense`, by default the preset's. Both compute with all cores or --threads, in turn in one process:
 * a pause in which the other's threads fall asleep, a call that does not count, and as many as score 64 pairs; the
 * median of the turns counts. Patches go in as Float32Array, scores come out likewise. The exported model prepares its
 * patches itself; with mean 0 and deviation 1 that leaves them as they are, so that both score the same.
 */
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { selectBackend } from '../packages/core/dist/backends/index.js';
import { exportOnnx } from '../packages/core/dist/export/index.js';
import { openModel } from '../packages/core/dist/index.js';
import { createMatcher, writeCheckpoint } from '../packages/core/dist/matcher/index.js';
import { nativeBackendLoaders } from '../packages/native-cuda/dist/index.js';

// The copy of tfjs that core has.
const { resolve } = createRequire(new URL('../packages/core/package.json', import.meta.url));
const tf = await import(pathToFileURL(resolve('@tensorflow/tfjs-core')).href);

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    ...{ presets: text('paper-bn,dense'), size: text('64'), batches: text('64,1'), repeats: text('15') },
    threads: { type: 'string' },
    width: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const [size, repeats] = [Number(flags.size), Number(flags.repeats)];
const threads = flags.threads ? Number(flags.threads) : availableParallelism();
const WARM_UPS = 3;
const PAUSE = 50; // ms
const PAIRS = 64; // of a turn, at least

const asIs = { clip: null, standardise: 'dataset', mean: 0, std: 1 };
const digital = 'digital number';

async function checkpointOf(preset) {
  const width = preset === 'dense' && flags.width ? { width: Number(flags.width) } : {};
  const matcher = createMatcher({ ...width, preset, side: size, sarBands: 1, opticalBands: 1, seed: 1 });
  const tensors = new Map();
  for (const [name, tensor] of [...matcher.parameters, ...matcher.statistics]) {
    tensors.set(name, { shape: tensor.shape, data: await tensor.data() });
  }
  return writeCheckpoint({
    ...{ matcher: matcher.config, tensors, metrics: {}, backend: 'native', training: {} },
    normalisation: {
      ...{ version: 1, side: size },
      sar: { source: digital, unit: digital, bands: 1, speckleFilter: null, ...asIs },
      optical: { bands: 'gray', ...asIs },
    },
    trainedOn: { folder: 'none', dataFingerprint: 'none' },
    inputs: { from: null, negatives: null },
  });
}

/** Functions that score the same batch of patches. */
async function scorersOf(preset, batch) {
  const checkpoint = await checkpointOf(preset);
  const patches = (seed) => tf.tidy(() => tf.randomNormal([batch, size, size, 1], 0, 1, 'float32', seed).dataSync());
  const [sar, optical] = [patches(1), patches(2)];

  const { scorer } = await openModel(checkpoint, preset);
  const shape = [batch, size, size, 1];
  const native = async () => {
    const score = tf.tidy(() => scorer.score(tf.tensor4d(sar, shape), tf.tensor4d(optical, shape)));
    const values = await score.data();
    score.dispose();
    return values;
  };

  const [pair] = await exportOnnx(checkpoint, preset);
  const options = { executionProviders: ['cpu'], intraOpNumThreads: threads, graphOptimizationLevel: 'all' };
  const session = await InferenceSession.create(pair.bytes, options);
  const feed = (samples) => new Tensor('float32', samples, [batch, 1, size, size]);
  const onnxruntime = async () => (await session.run({ sar: feed(sar), optical: feed(optical) }, ['score'])).score.data;
  return { native, onnxruntime };
}

function summary(times, batch) {
  const sorted = times.slice(WARM_UPS).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  return { pairsPerSecond: (1000 * batch) / median, median, fastest: sorted[0], slowest: sorted.at(-1) };
}

async function compare(preset, batch) {
  const scorers = Object.entries(await scorersOf(preset, batch));
  const times = Object.fromEntries(scorers.map(([name]) => [name, []]));
  const scores = {};
  const calls = Math.ceil(PAIRS / batch);
  for (let turn = 0; turn < WARM_UPS + repeats; turn++) {
    for (const [name, score] of scorers) {
      await setTimeout(PAUSE);
      scores[name] = await score();
      const start = performance.now();
      for (let call = 0; call < calls; call++) await score();
      times[name].push((performance.now() - start) / calls);
    }
  }
  const difference = Math.max(...scores.native.map((each, i) => Math.abs(each - scores.onnxruntime[i])));
  const [native, onnxruntime] = [summary(times.native, batch), summary(times.onnxruntime, batch)];
  const [ratio, ratioOfFastest] = ['median', 'fastest'].map((key) => onnxruntime[key] / native[key]);
  return { preset, size, batch, native, onnxruntime, ratio, ratioOfFastest, difference };
}

const timeText = ({ pairsPerSecond, median, fastest, slowest }) =>
  `${pairsPerSecond.toFixed(0)} pairs/s (${median.toFixed(2)} ms, ${fastest.toFixed(2)} to ${slowest.toFixed(2)})`;

function print({ preset, batch, native, onnxruntime, ratio, ratioOfFastest, difference }) {
  console.log(`${preset}, ${size}×${size}, batch ${batch}`);
  console.log(`  native       ${timeText(native)}`);
  console.log(`  onnxruntime  ${timeText(onnxruntime)}`);
  console.log(
    `  native over onnxruntime: ${ratio.toFixed(2)} by medians, ${ratioOfFastest.toFixed(2)} by the fastest;`,
  );
  console.log(`  scores differ by ${difference.toExponential(1)} at most`);
}

await selectBackend({ requested: 'native', loaders: nativeBackendLoaders({ threads }) });
const results = [];
for (const preset of flags.presets.split(',')) {
  for (const batch of flags.batches.split(',').map(Number)) {
    results.push(await compare(preset, batch));
    if (!flags.json) print(results.at(-1));
  }
}
const machine = { processor: cpus()[0].model, threads, node: process.versions.node, load: loadavg()[0] };
const report = { onnxruntime: env.versions.node, machine, results };
console.log(flags.json ? JSON.stringify(report) : `onnxruntime-node ${report.onnxruntime}, ${JSON.stringify(machine)}`);
