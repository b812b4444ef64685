/** Blocks of patches side by side as one gray picture, all stretched alike, so that contrast can be compared. */

import { quantile } from '@doppel/core/base';
import type { GridBlock } from '@doppel/core/training';
import { encode } from 'fast-png';

const [GAP, MARGIN] = [2, 16];
const BACKGROUND = 24;
/** Small patches are drawn larger, pixel by pixel. */
const TILE_SIDE = 64;
/** Percentiles of the first block that become black and white. */
const STRETCH = [0.01, 0.99] as const;

/** A PNG, 8-bit gray; each block fills its rows of `columns` patches. The first block sets the stretch of all. */
export function patchGrid(
  blocks: readonly GridBlock[],
  { side, columns }: { side: number; columns: number },
): Uint8Array {
  const [low, high] = stretchOf(blocks[0]!.data);
  const scale = Math.max(1, Math.round(TILE_SIDE / side));
  const pitch = side * scale + GAP;
  const rows = Math.max(...blocks.map(({ count }) => Math.ceil(count / columns)));
  const width = MARGIN + blocks.length * (columns * pitch - GAP + MARGIN);
  const height = 2 * MARGIN + rows * pitch - GAP;
  const pixels = new Uint8Array(width * height).fill(BACKGROUND);
  const gray = (value: number) => Math.round(Math.min(Math.max((value - low) / (high - low), 0), 1) * 255);
  blocks.forEach(({ data, count }, block) => {
    for (let i = 0; i < count; i++) {
      const left = MARGIN + block * (columns * pitch - GAP + MARGIN) + (i % columns) * pitch;
      const top = MARGIN + Math.floor(i / columns) * pitch;
      for (let y = 0; y < side * scale; y++) {
        for (let x = 0; x < side * scale; x++) {
          const from = (i * side + Math.floor(y / scale)) * side + Math.floor(x / scale);
          pixels[(top + y) * width + left + x] = gray(data[from]!);
        }
      }
    }
  });
  return encode({ width, height, data: pixels, channels: 1, depth: 8 });
}

function stretchOf(values: Float32Array): [number, number] {
  const sorted = values.slice().sort();
  const [low, high] = STRETCH.map((share) => quantile(sorted, share)) as [number, number];
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}
