/** Measures the statistics of speckle of a trained `spatial` generator on training patches. */
import * as tf from '@tensorflow/tfjs-core';
import { pause } from '../../../base/pause.ts';
import type { Generator } from '../../architecture.ts';
import { groundMaps } from '../../grain/grain.ts';
import { type Decoded, speckleStatistics } from '../../grain/speckle.ts';
import { type PatchStack, patchAt, slice } from '../../patch_stack.ts';
import { decodeGround, encode } from './networks.ts';
import { assignSpeckle } from './speckle_layers.ts';

const BATCH = 32;

/** @param patches prepared, at the side of the networks. */
export async function measureSpeckle(generator: Generator, patches: PatchStack): Promise<void> {
  const { side, count } = patches;
  const decoded: Decoded[] = [];
  for (let start = 0; start < count; start += BATCH) {
    await pause();
    const { data, count: size } = slice(patches, start, start + BATCH);
    const mu = tf.tidy(() => encode(generator.encoder, tf.tensor4d(data, [size, side, side, 1]), {}).mu);
    const grounds = await groundMaps((z) => decodeGround(generator.average, z, {}), mu);
    mu.dispose();
    grounds.forEach((ground, i) => {
      decoded.push({ patch: patchAt(patches, start + i).slice(), ...ground });
    });
  }
  assignSpeckle(generator.speckle, speckleStatistics(decoded, side));
}
