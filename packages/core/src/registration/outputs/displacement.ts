/**
 * Field of displacements as a GeoTIFF: how many metres the optical scene's ground must move along x and y, over the working
 * grid in coarser pixels, for a correction is smooth. Metres are those of the ground, not units of the reference system.
 */
import { geoTags } from '../../geo/geo_tags.ts';
import { affineMap } from '../../geo/pixel_map.ts';
import { writeCog } from '../../raster/cog_writer.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import type { RasterWindow } from '../../raster/window.ts';
import type { Store } from '../../store.ts';
import { metresPerUnit } from '../metres_per_unit.ts';
import { mapPoint } from '../plane_map.ts';
import type { Correction, Registration } from '../registration.ts';

/** Pixels of the field along its longer side, at most. */
const MAX_SIDE = 256;

export async function writeDisplacement(
  store: Store,
  path: string,
  grid: Registration['grid'],
  { map }: Correction,
): Promise<void> {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(grid.width, grid.height) / MAX_SIDE)));
  const [x, a, b, y, c, d] = grid.transform as AffineTransform;
  const transform: AffineTransform = [x, a * step, b * step, y, c * step, d * step];
  const { toGround } = affineMap(transform);
  const [metresX, metresY] = metresPerUnit(grid);
  const render = async (window: RasterWindow) => {
    const data = new Float32Array(window.width * window.height * 2);
    for (let i = 0; i < data.length / 2; i++) {
      const [column, row] = [window.column + (i % window.width), window.row + Math.floor(i / window.width)];
      const from = toGround(column + 0.5, row + 0.5);
      const to = mapPoint(map, from);
      data.set([metresX * (to[0] - from[0]), metresY * (to[1] - from[1])], 2 * i);
    }
    return { data };
  };
  const image = {
    ...{
      width: Math.ceil(grid.width / step),
      height: Math.ceil(grid.height / step),
      bands: 2,
      type: 'float32' as const,
    },
    noData: Number.NaN,
    facts: new Map([
      [0, { name: 'displacement_x', unit: 'm' }],
      [1, { name: 'displacement_y', unit: 'm' }],
    ]),
    metadata: {
      DESCRIPTION: 'Ground by the optical file + displacement / METRES_PER_UNIT = ground by the SAR file',
      METRES_PER_UNIT: `${metresX} ${metresY}`,
    },
    place: geoTags(grid.crs, transform, path),
  };
  await writeCog(store, path, image, render);
}
