/** A generator without training, for runs that need one: it sees and draws blocks. */

import * as tf from '@tensorflow/tfjs-core';
import type { LatentGenerator } from '../../../../packages/core/src/generator/latent.ts';
import { upsampleNearest } from '../../../../packages/core/src/ops/ops.ts';
import type { Normalisation } from '../../../../packages/core/src/prepare/normalisation.ts';

const SIDE = 64;

/** Means of 8 × 8 blocks as latents, with a wide deviation; the decoder draws the blocks. */
export function blockGenerator(normalisation: Normalisation, dataFingerprint: string): LatentGenerator {
  return {
    info: {
      ...{ side: SIDE, latent: 64, fingerprint: 'b'.repeat(64), normalisation },
      trainedOn: { dataFingerprint },
    },
    encode: (x) => {
      const mu = tf.reshape(tf.avgPool(x, 8, 8, 'valid'), [-1, 64]) as tf.Tensor2D;
      return { mu, logvar: tf.zerosLike(mu) };
    },
    decode: (z) => {
      const blocks = tf.reshape(z, [-1, 8, 8, 1]) as tf.Tensor4D;
      return [1, 2, 3].reduce<tf.Tensor4D>((x) => upsampleNearest(x), blocks);
    },
    dispose: () => {},
  };
}
