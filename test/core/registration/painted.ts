/** Clouds and water painted over real scenes: soft edges, texture of their own, at places that a seed draws. */
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { PlacedFile } from '../../../packages/core/src/geo/place.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import type { RasterWindow } from '../../../packages/core/src/raster/window.ts';

/** Fractal noise of a square, from 0 to 1: sums of smoothed random lattices, each finer and weaker than the one before. */
export function fractalNoise(side: number, seed: number, coarsest: number): Float32Array {
  const sum = new Float32Array(side * side);
  for (let [cell, weight] = [coarsest, 1]; cell >= 4; [cell, weight] = [cell / 2, weight * 0.55]) {
    const rng = Rng.derive(seed, `noise of ${cell} pixels`);
    const across = Math.ceil(side / cell) + 2;
    const lattice = Float32Array.from({ length: across * across }, () => rng.float());
    for (let i = 0; i < sum.length; i++) {
      const [x, y] = [(i % side) / cell, Math.floor(i / side) / cell];
      const [u, v] = [Math.floor(x), Math.floor(y)];
      const [fx, fy] = [smooth(x - u), smooth(y - v)];
      const at = v * across + u;
      const top = lattice[at]! * (1 - fx) + lattice[at + 1]! * fx;
      const bottom = lattice[at + across]! * (1 - fx) + lattice[at + across + 1]! * fx;
      sum[i]! += weight * (top * (1 - fy) + bottom * fy);
    }
  }
  const [low, high] = [sum.reduce((a, b) => Math.min(a, b)), sum.reduce((a, b) => Math.max(a, b))];
  return sum.map((value) => (value - low) / (high - low));
}

const smooth = (t: number) => t * t * (3 - 2 * t);

/** Opacity of a cover over a share of a square. @param softness width of its edge, as a share of the range of the noise. */
export function coverOf(side: number, share: number, seed: number, softness: number): Float32Array {
  const noise = fractalNoise(side, seed, side / 2);
  const threshold = Float32Array.from(noise).sort()[Math.floor((1 - share) * (noise.length - 1))]!;
  return noise.map((value) => Math.min(1, Math.max(0, 0.5 + (value - threshold) / softness)));
}

/** A file of 8 bits in which pixels are blended with a paint by its opacity. */
export function painted(
  file: PlacedFile,
  opacity: Float32Array,
  paint: (pixel: number, band: number) => number,
): PlacedFile {
  const { width, height } = file;
  const read: PlacedFile['read'] = async (window = { column: 0, row: 0, width, height }, bands) => {
    const raster = await file.read(window, bands);
    return { ...raster, data: blended(raster, window, width, opacity, paint) };
  };
  return { ...file, read };
}

function blended(
  { data, bands }: Raster,
  window: RasterWindow,
  side: number,
  opacity: Float32Array,
  paint: (pixel: number, band: number) => number,
): Float32Array {
  return data.map((value, i) => {
    const at = Math.floor(i / bands);
    const pixel = (window.row + Math.floor(at / window.width)) * side + window.column + (at % window.width);
    const share = opacity[pixel]!;
    return share === 0 ? value : Math.round(value * (1 - share) + share * paint(pixel, i % bands));
  });
}
