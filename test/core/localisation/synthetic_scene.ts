/** A pair of scenes of the same discs: the optical one shifted, the SAR one with other brightness, and speckle. */
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Sensor } from '../../../packages/core/src/dataset/scenes.ts';
import type { Shift } from '../../../packages/core/src/localisation/consensus.ts';
import type { ScenePixels } from '../../../packages/core/src/localisation/scene_features.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';

/** Discs on [side, side]; content lies `shift` further down and to the right. */
function discs(seed: number, side: number, { row, column }: Shift): Float32Array {
  const rng = Rng.derive(seed, 'discs');
  const count = Math.round(side ** 2 / 150);
  const image = new Float32Array(side * side).fill(0.5);
  for (let i = 0; i < count; i++) {
    const [cx, cy] = [rng.float() * (side + 40) - 20 + column, rng.float() * (side + 40) - 20 + row];
    const [radius, shade] = [3 + rng.float() * 9, rng.float()];
    for (let y = Math.max(0, Math.ceil(cy - radius)); y < Math.min(side, cy + radius); y++) {
      for (let x = Math.max(0, Math.ceil(cx - radius)); x < Math.min(side, cx + radius); x++) {
        if (Math.hypot(x - cx, y - cy) < radius) image[y * side + x] = shade;
      }
    }
  }
  return image;
}

/** @param looks of the speckle. */
export function sceneImages(seed: number, side: number, shift: Shift, looks = 4): Record<Sensor, Raster> {
  const rng = Rng.derive(seed, 'speckle');
  const reflectivity = discs(seed, side, { row: 0, column: 0 });
  // Bright in optical is dark in SAR.
  const sar = reflectivity.map((value) => 200 * Math.sqrt((1.1 - value) * (rng.gamma(looks) / looks)));
  const optical = discs(seed, side, shift).map((value) => 255 * value);
  const shape = { width: side, height: side, bands: 1 };
  return {
    sar: { ...shape, data: sar, unit: 'amplitude' },
    optical: { ...shape, data: optical, unit: 'digital number' },
  };
}

/** Scene in memory. */
export function pixelsOf(images: Record<Sensor, Raster>): ScenePixels {
  const { width: sceneWidth, height: sceneHeight } = images.sar;
  return {
    width: sceneWidth,
    height: sceneHeight,
    async readWindow(sensor, { column, row, width, height }) {
      const { data, unit } = images[sensor];
      const part = new Float32Array(width * height);
      for (let y = 0; y < height; y++) {
        const from = (row + y) * sceneWidth + column;
        part.set(data.subarray(from, from + width), y * width);
      }
      return { data: part, width, height, bands: 1, unit };
    },
  };
}
