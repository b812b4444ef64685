/** Sizes, parameters and arithmetic of a network, read from its definition and held against the tensors of a real one. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { ARCHITECTURES } from '../../../packages/core/src/matcher/architectures.ts';
import { createMatcher, parseMatcherConfig } from '../../../packages/core/src/matcher/matcher.ts';
import { networkOf, parameterSpecs } from '../../../packages/core/src/matcher/network_layers.ts';
import { evaluationLayers } from '../../../packages/core/src/matcher/tensor_layers.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
});

const configOf = (preset: string, side = 72) => parseMatcherConfig({ preset, side, sarBands: 1, opticalBands: 3 });

describe.each(ARCHITECTURES.names())('%s', (preset) => {
  it('has the sizes that its tensors have', () => {
    const config = configOf(preset);
    const matcher = createMatcher({ ...config, seed: 1 });
    const seen = new Map<string, number[]>();
    tf.tidy(() => {
      const layers = evaluationLayers(matcher.parameters, matcher.statistics);
      const spied = {
        ...layers,
        conv(...args: Parameters<typeof layers.conv>) {
          const y = layers.conv(...args);
          seen.set(args[0], y.shape.slice(1));
          return y;
        },
        dense(...args: Parameters<typeof layers.dense>) {
          const y = layers.dense(...args);
          seen.set(args[0], y.shape.slice(1));
          return y;
        },
      };
      const [sar, optical] = [tf.zeros([1, 72, 72, 1]), tf.zeros([1, 72, 72, 3])];
      ARCHITECTURES.get(preset).logits<tf.Tensor>(spied, sar, optical, config);
    });
    const maps = networkOf(config).filter(({ kind }) => kind !== 'scale');
    expect(maps.map(({ name, output }) => [name, output])).toEqual([...seen]);
    matcher.dispose();
  });

  it('lists each tensor once', () => {
    const names = parameterSpecs(configOf(preset)).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

it('counts two operations for each multiply-add of a convolution', () => {
  const fusion = networkOf(configOf('paper', 112)).find(({ name }) => name === 'fusion.conv1');
  expect(fusion).toMatchObject({ input: [14, 14, 256], output: [7, 7, 256], strides: 2 });
  expect(fusion!.flops).toBe(2 * 7 * 7 * 256 * 9 * 256);
  const dense = networkOf(configOf('paper', 112)).find(({ name }) => name === 'head.dense1');
  expect(dense).toMatchObject({ input: [512], output: [512], flops: 2 * 512 * 512 });
});
