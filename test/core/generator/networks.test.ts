/** The generator's networks: their shapes at each stage, how levels fade in, and the full networks as they are published. */

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { relativeError } from '../../../packages/core/src/base/tolerance.ts';
import type { Generator, Parameters } from '../../../packages/core/src/generator/architecture.ts';
import { criticise, decode, encode } from '../../../packages/core/src/generator/architectures/progressive/networks.ts';
import { parameterSpecs, sideAt } from '../../../packages/core/src/generator/architectures/progressive/parameters.ts';
import { GENERATORS } from '../../../packages/core/src/generator/architectures.ts';
import { createGenerator, generatorFrom, parseNetworks } from '../../../packages/core/src/generator/generator.ts';
import { avgPool, normalNoise, upsampleNearest } from '../../../packages/core/src/ops/ops.ts';

const CONFIG = { side: 32, latent: 6, channels: { base: 64, max: 12 } };
const BATCH = 4;

let generator: Generator;
beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  generator = createGenerator({ ...CONFIG, seed: 3 });
});
afterAll(() => generator.dispose());

const noise = (shape: number[], seed = 1) => normalNoise(shape, { seed, offset: 0 });
const codes = () => noise([BATCH, CONFIG.latent], 2) as tf.Tensor2D;
const patches = (stage: number) => noise([BATCH, sideAt(stage), sideAt(stage), 1]) as tf.Tensor4D;

function difference(actual: tf.Tensor, expected: tf.Tensor): number {
  expect(actual.shape).toEqual(expected.shape);
  return relativeError(actual.dataSync(), expected.dataSync());
}

/** The published layers in plain tfjs ops: [value, gain] by hand, as a check of the fused ones. */
function plain(parameters: Parameters, network: string) {
  const get = (name: string) => parameters.get(`${network}.${name}`)!;
  const rectify = (x: tf.Tensor) => tf.maximum(x, tf.mul(x, 0.2));
  const conv = (name: string, x: tf.Tensor, gain = Math.SQRT2) => {
    const filter = get(`${name}.filter`) as tf.Tensor4D;
    const [h, w, c] = filter.shape;
    const scaled = tf.mul(filter, gain / Math.sqrt(h * w * c)) as tf.Tensor4D;
    return tf.add(tf.conv2d(x as tf.Tensor4D, scaled, 1, 'same'), get(`${name}.bias`));
  };
  const dense = (name: string, x: tf.Tensor, gain = Math.SQRT2) => {
    const kernel = get(`${name}.kernel`);
    return tf.add(tf.matMul(x, tf.mul(kernel, gain / Math.sqrt(kernel.shape[0]!))), get(`${name}.bias`));
  };
  return { rectify, conv, dense };
}

function plainDecoder(parameters: Parameters, z: tf.Tensor2D): tf.Tensor {
  const { rectify, conv, dense } = plain(parameters, 'decoder');
  const normalise = (x: tf.Tensor) => tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-8)));
  const dark = tf.reshape(rectify(dense('dense', normalise(z), Math.SQRT2 / 4)), [z.shape[0], 4, 4, -1]);
  let x = normalise(rectify(conv('conv4', normalise(dark))));
  for (let side = 8; side <= CONFIG.side; side *= 2) {
    const wide = tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [side, side]);
    x = normalise(rectify(conv(`conv${side}b`, normalise(rectify(conv(`conv${side}a`, wide))))));
  }
  return conv(`gray${CONFIG.side}`, x, 1);
}

function plainDown(parameters: Parameters, network: 'critic' | 'encoder', patch: tf.Tensor4D): tf.Tensor {
  const { rectify, conv, dense } = plain(parameters, network);
  let x = rectify(conv(`gray${CONFIG.side}`, patch));
  for (let side = CONFIG.side; side > 4; side /= 2) {
    const maps = rectify(conv(`conv${side}b`, rectify(conv(`conv${side}a`, x))));
    x = tf.avgPool(maps as tf.Tensor4D, 2, 2, 'valid');
  }
  if (network === 'critic') {
    const { variance } = tf.moments(x, 0); // one group of four
    const deviation = tf.mean(tf.sqrt(tf.add(variance, 1e-8)));
    x = tf.concat([x, tf.mul(tf.ones([BATCH, 4, 4, 1]), deviation)], 3);
  }
  const flat = tf.reshape(rectify(conv('conv4', x)), [BATCH, -1]);
  return dense('dense2', rectify(dense('dense1', flat)), 1);
}

describe('the full networks', () => {
  const full = { stage: 3, alpha: 1 };

  it('are the published ones, their weights scaled when they are used', () => {
    tf.tidy(() => {
      const { encoder, decoder, critic } = generator;
      const x = patches(3);
      expect(difference(decode(decoder, codes(), full), plainDecoder(decoder, codes()))).toBeLessThan(1e-5);
      const onCritic = tf.reshape(plainDown(critic, 'critic', x), [BATCH]);
      expect(difference(criticise(critic, x, full), onCritic)).toBeLessThan(1e-5);
      const { mu, logvar } = encode(encoder, x, full);
      expect(difference(tf.concat([mu, logvar], 1), plainDown(encoder, 'encoder', x))).toBeLessThan(1e-5);
    });
  });

  it('keep the scale of N(0, 1) weights near 1', () => {
    tf.tidy(() => {
      const made = decode(generator.decoder, noise([32, CONFIG.latent]) as tf.Tensor2D, full);
      const deviation = Math.sqrt(tf.moments(made).variance.dataSync()[0]!);
      expect(deviation).toBeGreaterThan(0.3);
      expect(deviation).toBeLessThan(3);
    });
  });

  it('start with the averaged decoder at the decoder', () => {
    tf.tidy(() => {
      const [now, average] = [generator.decoder, generator.average].map((each) => decode(each, codes(), full));
      expect(difference(average!, now!)).toBe(0);
    });
  });
});

describe.each([0, 1, 2, 3])('stage %i', (stage) => {
  it('has patches, codes and scores of its shapes, at any fade', () => {
    tf.tidy(() => {
      for (const alpha of [0, 0.4, 1]) {
        const growth = { stage, alpha };
        const made = decode(generator.decoder, codes(), growth);
        expect(made.shape).toEqual([BATCH, 4 * 2 ** stage, 4 * 2 ** stage, 1]);
        const { mu, logvar } = encode(generator.encoder, patches(stage), growth);
        expect([mu.shape, logvar.shape]).toEqual([
          [BATCH, CONFIG.latent],
          [BATCH, CONFIG.latent],
        ]);
        expect(criticise(generator.critic, patches(stage), growth).shape).toEqual([BATCH]);
      }
    });
  });

  it.skipIf(stage === 0)('is the stage before at alpha 0, and half of each at alpha ½', () => {
    tf.tidy(() => {
      const { encoder, decoder, critic } = generator;
      const before = { stage: stage - 1, alpha: 1 };
      const small = upsampleNearest(decode(decoder, codes(), before));
      expect(difference(decode(decoder, codes(), { stage, alpha: 0 }), small)).toBe(0);
      const grown = decode(decoder, codes(), { stage, alpha: 1 });
      const half = tf.div(tf.add(small, grown), 2);
      expect(difference(decode(decoder, codes(), { stage, alpha: 0.5 }), half)).toBeLessThan(1e-6);

      const [x, pooled] = [patches(stage), avgPool(patches(stage))];
      const faded = { stage, alpha: 0 };
      expect(difference(criticise(critic, x, faded), criticise(critic, pooled, before))).toBe(0);
      expect(difference(encode(encoder, x, faded).mu, encode(encoder, pooled, before).mu)).toBe(0);
    });
  });
});

describe('parseNetworks', () => {
  it('fills in the fields of a preset', () => {
    expect(parseNetworks('paper', {})).toEqual({ side: 128, latent: 512, channels: { base: 8192, max: 512 } });
    expect(parseNetworks('small', { side: 32 })).toEqual({ side: 32, latent: 64, channels: { base: 1024, max: 64 } });
    expect(GENERATORS.get('paper').sides({ side: 128 })).toEqual([4, 8, 16, 32, 64, 128]);
  });

  it.each([
    ['small', { side: 48 }, /"side"/],
    ['small', { depth: 3 }, /unknown "depth"/],
    ['large', {}, /use the generator large: expected one of paper, small/],
    ['small', { channels: { base: 16, max: 8 } }, /leaves a level without channels/],
  ])('refuses %s %j by name', (preset, fields, message) => {
    for (const make of [() => parseNetworks(preset, fields), () => createGenerator({ preset, seed: 1, ...fields })]) {
      expect(make).toThrow(message);
      expect(make).toThrow(expect.objectContaining({ tag: 'usage' }));
    }
  });
});

describe('generatorFrom', () => {
  it('takes every tensor of its specs, and no other shape than theirs is made', () => {
    const copy = generatorFrom('small', generator.config, ({ name, network }) =>
      tf.clone(generator[network].get(name)!),
    );
    tf.tidy(() => {
      const full = { stage: 3, alpha: 1 };
      expect(difference(decode(copy.decoder, codes(), full), decode(generator.decoder, codes(), full))).toBe(0);
    });
    for (const { name, network, shape } of parameterSpecs(CONFIG))
      expect(copy[network].get(name)!.shape).toEqual(shape);
    copy.dispose();
  });

  it('starts anew for another seed, and the same for the same', () => {
    const [same, other] = [3, 4].map((seed) => createGenerator({ ...CONFIG, seed }));
    const first = ({ critic }: Generator) => critic.get('critic.conv4.filter')!.dataSync();
    expect(first(same!)).toEqual(first(generator));
    expect(first(other!)).not.toEqual(first(generator));
    for (const each of [same!, other!]) each.dispose();
  });
});
