/** The layers that no exported model uses so far: halves, rows and correlation, against the layers that score. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { OnnxGraph, type Value } from '../../../packages/core/src/export/onnx_graph.ts';
import { onnxLayers } from '../../../packages/core/src/export/onnx_layers.ts';
import type { Layers } from '../../../packages/core/src/matcher/layers.ts';
import { foldedLayers } from '../../../packages/core/src/matcher/tensor_layers.ts';
import { tensorsOf, type Values } from '../../../packages/core/src/runs/values.ts';
import { RUNTIMES } from './runtimes.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
});

const drawn = (seed: number, shape: number[]): Values => ({
  shape,
  data: tf.tidy(() => tf.randomNormal(shape, 0, 1, 'float32', seed).dataSync() as Float32Array),
});

const weights = () =>
  new Map([
    ['conv.filter', drawn(1, [3, 3, 5, 7])],
    ['conv.bias', drawn(2, [7])],
  ]);

/** What a definition makes of two maps [2, height, width, c], by tensors and by an exported graph. */
async function bothOf(
  maps: readonly [Values, Values],
  define: <T>(layers: Layers<T>, a: T, b: T) => T,
  sizes: 'known' | 'free' = 'known',
) {
  const wanted = tf.tidy(() => {
    const [a, b] = maps.map(({ data, shape }) => tf.tensor(data, shape)) as [tf.Tensor, tf.Tensor];
    return define<tf.Tensor>(foldedLayers(tensorsOf(weights())), a, b);
  });
  const graph = new OnnxGraph();
  const ordered = tf.tidy(() =>
    maps
      .map(({ data, shape }) =>
        tf.transpose(tf.tensor4d(data, shape as [number, number, number, number]), [0, 3, 1, 2]),
      )
      .map((x) => ({ dims: x.shape, data: x.dataSync() as Float32Array })),
  );
  const inputs = ['a', 'b'].map((name, i) => {
    const [, c, h, w] = ordered[i]!.dims as [number, number, number, number];
    return graph.input({
      name,
      axes: ['n', c, ...(sizes === 'known' ? [h, w] : [`${name}h`, `${name}w`])],
      description: '',
    });
  }) as [Value, Value];
  const y = define<Value>(onnxLayers(graph, weights()), ...inputs);
  graph.output({ name: 'y', axes: y.shape.map((size, i) => size ?? `y${i}`), description: '' }, y);
  const run = await RUNTIMES[0]!.load(graph.bytes({ name: 'test', description: '', version: '0', metadata: {} }));
  const found = (await run({ a: ordered[0]!, b: ordered[1]! })).y!;
  return { found, wanted, shape: y.shape };
}

describe('exported layers agree with those of scoring', () => {
  it.each(['known', 'free'] as const)('halves of a convolution over two maps, sizes %s', async (sizes) => {
    for (const [height, strides] of [
      [8, 1],
      [8, 2],
      [9, 2],
    ] as const) {
      const options = { channels: 7, strides };
      const maps = [drawn(3, [2, height, 6, 3]), drawn(4, [2, height, 6, 2])] as const;
      const { found, wanted } = await bothOf(
        maps,
        (layers, a, b) =>
          layers.sumHalves(
            'conv',
            layers.halfConv('conv', a, 'first', options),
            layers.halfConv('conv', b, 'second', options),
            options,
          ),
        sizes,
      );
      expectMaps(found, wanted as tf.Tensor4D);
    }
  });

  it('rows by index', async () => {
    const maps = [drawn(3, [2, 4, 6, 3]), drawn(4, [2, 4, 6, 3])] as const;
    const { found, wanted } = await bothOf(maps, (layers, a, b) => layers.rows(layers.add(a, b), [1, 0, 1]));
    expectMaps(found, wanted as tf.Tensor4D);
  });

  it.each(['known', 'free'] as const)('templates in windows, sizes %s', async (sizes) => {
    const maps = [drawn(3, [2, 4, 6, 3]), drawn(4, [3, 7, 8, 3])] as const;
    const { found, wanted } = await bothOf(
      maps,
      (layers, a, b) => layers.correlate(layers.unit(a), layers.unit(b)),
      sizes,
    );
    expect(found.dims).toEqual([2, 3, 4, 3]);
    expectClose(found.data, wanted);
  });

  it('the peak of one map against all', async () => {
    const maps = [drawn(3, [1, 8, 6, 4]), drawn(4, [3, 8, 6, 4])] as const;
    for (const reach of [0, 1, 3]) {
      const { found, wanted } = await bothOf(maps, (layers, a, b) => layers.peak(a, b, reach));
      expect(found.dims).toEqual([3]);
      expectClose(found.data, wanted);
    }
  });
});

/** @param wanted [n, h, w, c] */
function expectMaps(found: { data: Float32Array; dims: readonly number[] }, wanted: tf.Tensor4D) {
  const ordered = tf.transpose(wanted, [0, 3, 1, 2]);
  expect(found.dims).toEqual(ordered.shape);
  expectClose(found.data, ordered);
}

function expectClose(found: Float32Array, wanted: tf.Tensor) {
  const values = wanted.dataSync();
  expect(Math.max(...values.map((each, i) => Math.abs(found[i]! - each)))).toBeLessThan(1e-5);
}
