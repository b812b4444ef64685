/**
 * `doppel bench ops`: each convolution of the preset `paper`, forward and backward, in GFLOP/s of the plain algorithm (an
 * algorithm with fewer multiplications may come out above the peak), and on `native` and `cuda` as a share of what the device can do,
 * measured in the same run: multiply-adds on registers, and bytes copied through memory. Then the ops of a dense matcher.
 */

import { conv2d, denseCases, type OpCase, runKernelMulti } from '@doppel/core/backends';

import * as tf from '@tensorflow/tfjs-core';
import { boundOf, type Shape, shapesOf, workOf } from '../bench_shapes.ts';
import { command } from '../command.ts';
import { whole } from '../flags.ts';
import { BENCH_FLAGS, machine, timeOf } from '../timing.ts';

interface Limits {
  gflops: number;
  gigabytes: number;
}

/** Measured by the addon; undefined on other backends. */
function limits(): Limits | undefined {
  const backend = tf.backend() as unknown as {
    run?(op: string, inputs: object, outputs: object, attributes: object): tf.TensorInfo[];
  };
  if (!backend.run) return undefined;
  const measure = (bandwidth: boolean) => {
    const [result] = backend.run!('measure', {}, { result: { shape: [1], dtype: 'float32' } }, { bandwidth });
    const tensor = tf.engine().makeTensorFromTensorInfo(result!);
    const value = tensor.dataSync()[0]!;
    tensor.dispose();
    return value;
  };
  return { gflops: measure(false), gigabytes: measure(true) };
}

/** Waits for the tensors' device, and disposes of them. */
function settle(tensors: tf.Tensor[]): void {
  tf.tidy(() => tf.slice(tf.reshape(tensors[0]!, [-1]), 0, 1).dataSync());
  tf.dispose(tensors);
}

async function timeCase({ name, shapes, run, flops }: OpCase, repeats: number) {
  const inputs = shapes.map((shape, i) => tf.randomNormal(shape, 0, 0.25, 'float32', i + 1));
  const forward = await timeOf(() => settle([tf.tidy(() => run(...inputs))]), repeats);
  const gradients = tf.grads(run);
  const both = await timeOf(() => settle(gradients(inputs)), repeats);
  tf.dispose(inputs);
  return { name, forwardMs: forward.median, withGradientsMs: both.median, gflops: flops / forward.median / 1e6 };
}

async function timeShape(shape: Shape, batch: number, repeats: number) {
  const { side, ci, co, strides } = shape;
  const x = tf.randomNormal([batch, side, side, ci], 0, 1, 'float32', 1) as tf.Tensor4D;
  const filter = tf.randomNormal([3, 3, ci, co], 0, 1 / (3 * Math.sqrt(ci)), 'float32', 2) as tf.Tensor4D;
  const bias = tf.zeros([co]) as tf.Tensor1D;
  const attrs = { strides, dilations: 1, pad: 'same', activation: 'relu', leakyreluAlpha: 0.2 } as const;
  const y = conv2d(x, filter, bias, attrs);
  const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 3) as tf.Tensor4D;
  const outputs = ci === 1 ? ['dfilter', 'dbias'] : ['dx', 'dfilter', 'dbias'];
  const forward = await timeOf(() => settle([conv2d(x, filter, bias, attrs)]), repeats);
  const backward = await timeOf(
    () => settle(runKernelMulti('DoppelConv2DBackprop', { dy, x, filter, y }, { ...attrs, outputs })),
    repeats,
  );
  tf.dispose([x, filter, bias, y, dy]);
  const times = { forward, backward };
  return workOf(shape, batch).map(({ direction, flops, bytes }) => {
    const ms = times[direction].median;
    return {
      ...shape,
      ...{ direction, ms, flops, bytes },
      gflops: flops / ms / 1e6,
      gigabytesPerSecond: bytes / ms / 1e6,
    };
  });
}

export default command({
  name: 'doppel bench ops',
  flags: {
    size: whole(64, 'Patch side, in pixels').default(112),
    batch: whole(1, 'Images in a call').default(64),
    ...BENCH_FLAGS,
  },
  examples: ['doppel bench ops', 'doppel bench ops --isa avx2 --threads 1 --json'],
  async run({ args, context }) {
    const { size, batch, repeats } = args;
    const { name: backend, device } = await context.selectBackend(args);
    const peak = limits();
    const rows: Awaited<ReturnType<typeof timeShape>> = [];
    for (const shape of shapesOf(size)) rows.push(...(await timeShape(shape, batch, repeats)));
    const dense: Awaited<ReturnType<typeof timeCase>>[] = [];
    for (const each of denseCases(batch)) dense.push(await timeCase(each, repeats));
    const share = (value: number, most: number | undefined) =>
      most === undefined ? '' : `${((100 * value) / most).toFixed(0).padStart(5)} %`;
    const lines = rows.map(
      (row) =>
        `${row.name.padEnd(8)} ${`${row.side}² ${row.ci}→${row.co}/${row.strides}`.padEnd(16)} ${row.direction.padEnd(8)} ${row.ms.toFixed(2).padStart(8)} ms` +
        ` ${row.gflops.toFixed(0).padStart(6)} GFLOP/s${share(row.gflops, peak?.gflops)} ${row.gigabytesPerSecond.toFixed(1).padStart(6)} GB/s${share(row.gigabytesPerSecond, peak?.gigabytes)}` +
        (peak ? ` roofline ${share(boundOf(row, peak).ms, row.ms).trim()}` : ''),
    );
    const denseLines = dense.map(
      ({ name, forwardMs, withGradientsMs, gflops }) =>
        `${name.padEnd(52)} ${forwardMs.toFixed(2).padStart(8)} ms, with gradients ${withGradientsMs.toFixed(2).padStart(8)} ms ${gflops.toFixed(0).padStart(6)} GFLOP/s`,
    );
    const measured = peak
      ? `measured limits: ${peak.gflops.toFixed(0)} GFLOP/s, ${peak.gigabytes.toFixed(1)} GB/s (copy)`
      : 'limits are measured on native and cuda only';
    return {
      json: { benchmark: 'ops', backend, device, size, batch, repeats, limits: peak, rows, dense, machine: machine() },
      text: [`batch ${batch} on ${backend} (${device}); ${measured}`, ...lines, ...denseLines].join('\n'),
    };
  },
});
