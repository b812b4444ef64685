/** Values of a map as colours: dark where they are low, yellow where they are high. */
import { encode } from 'fast-png';
import { viridis } from '../plots/viridis.ts';

export interface Heat {
  /** [height, width] */
  readonly values: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** A PNG with one pixel a value. @param range values of the darkest and the brightest colour; beyond it, these stay. */
export function heatMap({ values, width, height }: Heat, [low, high]: readonly [number, number]): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(viridis((values[i]! - low) / (high - low)), i * 3);
  return encode({ width, height, data, channels: 3, depth: 8 });
}
