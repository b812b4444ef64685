/** The number of threads of `native`, which all JS threads share, changed by one of them while another computes. */
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { relativeError } from '../../packages/core/src/base/tolerance.ts';
import { correlate } from '../../packages/core/src/ops/ops.ts';
import { addonFile, skipReason, title, useNative, useThreads } from './addon.ts';

/** Sets 1 to 4 threads in turn, without an end. */
const CHANGING = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { threads } = require(workerData);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  parentPort.postMessage('changes');
  for (let i = 0; ; i++) {
    threads(1 + (i % 4));
    Atomics.wait(pause, 0, 0, 0.2);
  }
`;

it.skipIf(skipReason)(title('ops give the same while another JS thread changes the number of threads'), async () => {
  await useNative();
  const before = useThreads(2);
  const templates = tf.randomNormal([8, 9, 7, 5], 0, 1, 'float32', 1) as tf.Tensor4D;
  const windows = tf.randomNormal([3, 30, 26, 5], 0, 1, 'float32', 2) as tf.Tensor4D;
  const run = () => tf.tidy(() => correlate(templates, windows).dataSync());
  const expected = run();
  const changing = new Worker(CHANGING, { eval: true, workerData: addonFile });
  try {
    await new Promise((resolve) => changing.once('message', resolve));
    for (let i = 0; i < 500; i++) expect(relativeError(run(), expected)).toBeLessThan(1e-6);
  } finally {
    await changing.terminate();
    useThreads(before);
    tf.dispose([templates, windows]);
  }
});
