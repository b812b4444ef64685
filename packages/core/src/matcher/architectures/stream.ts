/** The stream of eight convolutions that the architectures of the pseudo-siamese family share. */
import { z } from 'zod';
import type { Layers } from '../layers.ts';

/** Widths of the convolutions, all 3×3, stride 1, "same". */
const WIDTHS = [32, 32, 64, 64, 128, 128, 128, 128] as const;
const POOLED = new Set([2, 4, 6]); // 2×2 max pooling after these

/** Patch sides: three poolings halve them, and two strides and a pooling more must leave a pixel. */
export const STREAM_SIDE = z.int().min(64).multipleOf(8);

/** [N, S, S, bands] → [N, S/8, S/8, 128] */
export function stream<T>(layers: Layers<T>, name: string, patches: T, batchNorm: boolean): T {
  let x = patches;
  WIDTHS.forEach((channels, i) => {
    x = layers.conv(`${name}.conv${i + 1}`, x, { channels, batchNorm, isInput: i === 0 }); // 32 32 | 64 64 | 128 128 | 128 128
    if (POOLED.has(i + 1)) x = layers.maxPool(x); // S → S/2 → S/4 → S/8
  });
  return x;
}
