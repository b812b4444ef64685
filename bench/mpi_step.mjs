/** Processes of bench/mpi.mjs: training steps on noise, with the time in collectives, and an all-reduce by itself. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { selectBackend } from '../packages/core/dist/backends/index.js';
import { createMatcher } from '../packages/core/dist/matcher/index.js';
import { trainingStep, zeroMoments } from '../packages/core/dist/training/index.js';
import { loadMpi, nativeBackendLoaders, optionsFrom } from '../packages/native-cuda/dist/index.js';

const { resolve } = createRequire(new URL('../packages/core/package.json', import.meta.url));
const tf = await import(pathToFileURL(resolve('@tensorflow/tfjs-core')).href);
const { preset, side, positives, steps, statistics } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const mpi = loadMpi();
if (!mpi.available) throw new Error(mpi.reason);
const opened = mpi.open();
const spent = { seconds: 0, messages: 0 };

/** The communicator, with a clock. */
function timed(call) {
  return (given) => {
    const started = performance.now();
    const result = call(given);
    spent.seconds += (performance.now() - started) / 1000;
    spent.messages++;
    return result;
  };
}
const { rank, size } = opened;
const communicator = { rank, size, allReduce: timed(opened.allReduce), allGather: timed(opened.allGather) };
const processes = size > 1 ? { communicator, statistics, matrix: 'gathered' } : undefined;
await selectBackend({ requested: 'native', loaders: nativeBackendLoaders(optionsFrom(process.env)) });

const own = (list) => list.filter((_, i) => i % size === rank);
const rows = Array.from({ length: positives }, (_, i) => i);
const patches = (seed) => tf.randomNormal([own(rows).length, side, side, 1], 0, 1, 'float32', seed + rank);
const labels = [...rows.map(() => 1), ...rows.map(() => 0)];
const batch = {
  ...{ sar: patches(1), optical: patches(100) },
  pairing: { sar: own([...rows, ...rows]), optical: own([...rows, ...rows.map((row) => (row + 1) % positives)]) },
  ...{ labels: tf.tensor1d(labels, 'int32'), weights: tf.fill([labels.length], 0.5 / positives), share: 1 / size },
};
const matcher = createMatcher({ preset, side, sarBands: 1, opticalBands: 1, seed: 1 });
const moments = zeroMoments(matcher);
const options = { learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, l2: 1e-5, seed: 1 };

function take(step) {
  const { loss, gradientNorm } = trainingStep(matcher, moments, batch, { ...options, step }, processes);
  loss.dataSync();
  tf.dispose([loss, gradientNorm]);
}
take(0);
take(1);
opened.allGather(new Uint8Array(1));
Object.assign(spent, { seconds: 0, messages: 0 });
const started = performance.now();
for (let step = 2; step < steps + 2; step++) take(step);
const seconds = (performance.now() - started) / 1000;

/** Fastest of some runs, in seconds. */
function fastest(work) {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    const from = performance.now();
    work();
    least = Math.min(least, (performance.now() - from) / 1000);
  }
  return least;
}
const count = [...matcher.parameters.values()].reduce((sum, each) => sum + each.size, 0);
const flat = new Float32Array(count);
const other = new Float32Array(count);
const copy = fastest(() => other.set(flat));
const reduce = fastest(() => opened.allReduce(flat));
const bytes = count * 4;
const report = {
  ...{ stepsPerSecond: steps / seconds, inCollectives: spent.seconds / seconds, messages: spent.messages / steps },
  // Each process sends its part of the slices and of the sums, and reads and writes what it moves.
  allReduce: {
    bytes,
    seconds: reduce,
    moved: (4 * bytes * (size - 1)) / Math.max(size, 1),
    bandwidth: (2 * bytes) / copy,
  },
};
if (rank === 0) console.log(JSON.stringify(report));
opened.close();
