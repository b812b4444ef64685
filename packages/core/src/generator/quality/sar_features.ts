/** Features of patches by the SAR stream of a matcher, for distances as the matcher sees them. */
import * as tf from '@tensorflow/tfjs-core';
import { momentsOf } from '../../base/moments.ts';
import { pause } from '../../base/pause.ts';
import type { ScorerHalves } from '../../matcher/scorer.ts';
import { blockMeans } from '../block_means.ts';
import { type PatchStack, patchAt, slice } from '../patch_stack.ts';
import type { FeatureRows } from './kernel_distance.ts';

const BATCH = 64;
/** Pixels along the side of a mean of a pattern. */
const PATTERN_BLOCK = 4;

/** The last maps of the SAR stream, averaged over positions. @throws the signal's reason when it is aborted. */
export async function sarFeatures(
  { features }: Pick<ScorerHalves, 'features'>,
  stack: PatchStack,
  signal?: AbortSignal,
): Promise<FeatureRows> {
  const { side, count } = stack;
  let [all, width] = [new Float32Array(0), 0];
  for (let start = 0; start < count; start += BATCH) {
    await pause(signal);
    const { data, count: size } = slice(stack, start, start + BATCH);
    const rows = tf.tidy(() => features(tf.tensor4d(data, [size, side, side, 1]), 'sar'));
    try {
      const values = await rows.data<'float32'>();
      width = values.length / size;
      if (start === 0) all = new Float32Array(count * width);
      all.set(values, start * width);
    } finally {
      rows.dispose();
    }
  }
  return { data: all, count, width };
}

/**
 * Pattern of a patch, without its speckle, brightness and contrast: means of 4 × 4 pixels, standardised. The root mean
 * square difference of two such rows is √(2·(1 − r)), with their correlation r.
 */
export function patternRows(stack: PatchStack): FeatureRows {
  const rows = Array.from({ length: stack.count }, (_, row) =>
    standardised(blockMeans(patchAt(stack, row), stack.side, PATTERN_BLOCK)),
  );
  const width = rows[0]!.length;
  const data = new Float32Array(stack.count * width);
  rows.forEach((row, i) => {
    data.set(row, i * width);
  });
  return { data, count: stack.count, width };
}

/** Zeros where all are the same. */
function standardised(values: Float32Array): Float32Array {
  const { mean, std } = momentsOf(values);
  const scale = std > 1e-6 ? 1 / std : 0;
  return values.map((value) => (value - mean) * scale);
}
