/** A grid each of whose cells names its place: column, row. */
import type { Grid } from '../../../packages/core/src/raster/turned.ts';

export function placesOf(width: number, height: number): Grid<Float32Array> {
  const data = Float32Array.from({ length: width * height * 2 }, (_, i) => {
    const at = Math.floor(i / 2);
    return i % 2 === 0 ? at % width : Math.floor(at / width);
  });
  return { data, width, height, channels: 2 };
}
