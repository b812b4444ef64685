/** Patches for looking at: draws of the prior, variants of a patch, the way from one patch to another. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { NonFiniteError } from '../../../packages/core/src/errors.ts';
import type { LatentGenerator } from '../../../packages/core/src/generator/latent.ts';
import { patchAt } from '../../../packages/core/src/generator/patch_stack.ts';
import { reconstruction, samplePatches } from '../../../packages/core/src/generator/sample.ts';
import { fakeGenerator, fresh, SIDE } from './quality/fake_data.ts';

const LATENT = 6;
const waves = Array.from({ length: LATENT }, (_, code) =>
  Array.from({ length: SIDE * SIDE }, (_, pixel) => Math.sin((code + 1) * pixel * 0.05)),
);

/** Codes are the first pixels of a patch, decoded as the weights of a few waves. */
const generator: LatentGenerator = {
  ...fakeGenerator(fresh),
  encode: (x) => {
    const mu = tf.slice(tf.reshape(x, [x.shape[0], -1]), [0, 0], [-1, LATENT]) as tf.Tensor2D;
    return { mu, logvar: tf.zeros([x.shape[0], LATENT]) as tf.Tensor2D };
  },
  decode: (z) => tf.reshape(tf.matMul(z, tf.tensor2d(waves)), [-1, SIDE, SIDE, 1]) as tf.Tensor4D,
};
const [a, b] = [fresh(1), fresh(2)];

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

describe('samplePatches', () => {
  it('goes from one patch to another in equal steps, both reconstructions among them', async () => {
    const before = tf.memory().numTensors;
    const path = await samplePatches(generator, { kind: 'between', count: 5, from: a, to: b });
    expect(tf.memory().numTensors).toBe(before);
    expect(path).toMatchObject({ count: 5, side: SIDE });
    expect(patchAt(path, 0)).toEqual(patchAt(await reconstruction(generator, a), 0));
    expect(patchAt(path, 4)).toEqual(patchAt(await reconstruction(generator, b), 0));
    expect(patchAt(path, 2)).not.toEqual(patchAt(path, 0));
    for (let row = 0; row < 5; row++) expect(Math.abs(tf.mean(patchAt(path, row)).dataSync()[0]!)).toBeLessThan(1e-5);
  });

  it('moves around a patch: by sigma in steps, by sample with the noise of seed and record', async () => {
    const around = (rule: 'sigma' | 'sample', seed: number, record = 3, count = 2) =>
      samplePatches(generator, { kind: 'around', count, seed, rule, strength: 0.5, patch: a, record });
    expect((await around('sigma', 1)).data).toEqual((await around('sigma', 2)).data);
    expect(patchAt(await around('sigma', 1, 3, 4), 3)).toEqual(patchAt(await around('sigma', 1), 1));
    expect((await around('sample', 1)).data).toEqual((await around('sample', 1)).data);
    expect((await around('sample', 1)).data).not.toEqual((await around('sample', 2)).data);
    expect((await around('sample', 1)).data).not.toEqual((await around('sample', 1, 4)).data);
  });

  it('draws the prior by seed, patch by patch', async () => {
    const draw = (count: number, seed: number) => samplePatches(generator, { kind: 'prior', count, seed });
    expect(patchAt(await draw(3, 1), 2)).toEqual(patchAt(await draw(40, 1), 2));
    expect((await draw(2, 1)).data).not.toEqual((await draw(2, 2)).data);
  });

  it('names the patch that is not finite, and the way out', async () => {
    const broken = { ...generator, decode: (z: tf.Tensor2D) => tf.div(generator.decode(z), 0) as tf.Tensor4D };
    const sampled = samplePatches(broken, { kind: 'between', count: 2, from: a, to: b });
    await expect(sampled).rejects.toThrow(NonFiniteError);
    await expect(sampled).rejects.toThrow(/patch 1\. Lower the strength/);
  });
});
