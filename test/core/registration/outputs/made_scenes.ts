/** Two scenes and a hand-made registration: the optical file's georeference is off by a known map of the ground. */

import { geoTags } from '../../../../packages/core/src/geo/geo_tags.ts';
import { affineMap } from '../../../../packages/core/src/geo/pixel_map.ts';
import { transformBetween } from '../../../../packages/core/src/geo/reference_system.ts';
import { type CogImage, writeCog } from '../../../../packages/core/src/raster/cog_writer.ts';
import type { AffineTransform } from '../../../../packages/core/src/raster/raster.ts';
import { TAG } from '../../../../packages/core/src/raster/tiff_directory.ts';
import type { TiffTag } from '../../../../packages/core/src/raster/tiff_encoder.ts';
import { matrixOf } from '../../../../packages/core/src/registration/matrix.ts';
import { mapPoint } from '../../../../packages/core/src/registration/plane_map.ts';
import type {
  GroundPosition,
  ModelKind,
  PlaneMap,
  Registration,
  TiePoint,
} from '../../../../packages/core/src/registration/registration.ts';
import type { Store } from '../../../../packages/core/src/store.ts';

export const CRS = 'EPSG:32633';
const [EAST, NORTH, PIXEL, SIDE] = [500_000, 5_000_000, 10, 300];
export const SAR_TRANSFORM: AffineTransform = [EAST, PIXEL, 0, NORTH, 0, -PIXEL];

/** Corrections by kind, in units of the ground: optical ground → SAR ground. */
export const MAPS: Record<ModelKind, PlaneMap> = {
  shift: mapOf('shift', [37.3, 1000, 0], [-52.1, 0, 1000]),
  similarity: mapOf('similarity', [37.3, 1002, -12], [-52.1, 12, 1002]),
  affine: mapOf('affine', [37.3, 1004, -9], [-52.1, 15, 997]),
  quadratic: mapOf('quadratic', [37.3, 1004, -9, 1.1, 0.4, -0.8], [-52.1, 15, 997, -0.5, 0.9, 0.7]),
  spline: {
    ...mapOf('spline', [37.3, 1004, -9], [-52.1, 15, 997]),
    knots: {
      at: [
        [-2, -2],
        [2, -2],
        [0, 1.5],
        [2, 2],
      ],
      x: [0.3, -0.2, 0.2, -0.3],
      y: [-0.2, 0.3, -0.3, 0.2],
    },
  },
};

function mapOf(kind: ModelKind, x: number[], y: number[]): PlaneMap {
  const origin: GroundPosition = [EAST + 1500, NORTH - 1500];
  return { kind, origin, scale: 1000, x: [origin[0] + x[0]!, ...x.slice(1)], y: [origin[1] + y[0]!, ...y.slice(1)] };
}

/** Brightness of the ground, smooth enough that any resampling shows where it lies. */
export const brightness = ([x, y]: GroundPosition, band = 0) =>
  1100 +
  500 * Math.sin((x - EAST) / 90 + band) +
  400 * Math.cos((y - NORTH) / 110 - band) +
  90 * Math.sin((x + y) / 70);

export interface MadeScene {
  /** File of the optical scene. */
  transform?: AffineTransform;
  crs?: string;
  image?: Partial<CogImage>;
  /** True to place the SAR file by control points instead of a transform. */
  hasControlPoints?: boolean;
}

/** Tags of nine control points, and the keys of the system. */
function controlPointTags(): TiffTag[] {
  const { toGround } = affineMap(SAR_TRANSFORM);
  const along = [0, SIDE / 2, SIDE];
  const values = along.flatMap((row) => along.flatMap((column) => [column, row, 0, ...toGround(column, row), 0]));
  const keys = geoTags(CRS, SAR_TRANSFORM, 'sar.tif').filter(({ tag }) => tag === TAG.GeoKeyDirectory);
  return [{ tag: TAG.ModelTiepoint, type: 'double', values }, ...keys];
}

/** Writes `sar.tif` and `optical.tif` into a folder: the optical file states its ground wrongly, by the inverse of the map. */
export async function writeScenes(store: Store, folder: string, map: PlaneMap, made: MadeScene = {}): Promise<void> {
  const { toGround } = affineMap(SAR_TRANSFORM);
  await writeScene(
    store,
    `${folder}/sar.tif`,
    SAR_TRANSFORM,
    CRS,
    { type: 'float32', noData: Number.NaN, bands: 1, ...(made.hasControlPoints && { place: controlPointTags() }) },
    toGround,
  );
  const transform = made.transform ?? SAR_TRANSFORM;
  const crs = made.crs ?? CRS;
  const own = affineMap(transform);
  const toWorking = transformBetween(crs, CRS, 'optical.tif');
  const truth = (column: number, row: number) => mapPoint(map, toWorking(...own.toGround(column, row)));
  await writeScene(store, `${folder}/optical.tif`, transform, crs, made.image ?? {}, truth);
}

async function writeScene(
  store: Store,
  path: string,
  transform: AffineTransform,
  crs: string,
  over: Partial<CogImage>,
  truth: (column: number, row: number) => GroundPosition,
): Promise<void> {
  const image: CogImage = {
    ...{
      width: SIDE,
      height: SIDE,
      bands: 2,
      type: 'uint16',
      noData: 0,
      place: over.place ?? geoTags(crs, transform, path),
    },
    ...over,
  };
  await writeCog(store, path, image, async ({ column, row, width, height }) => {
    const data = new Float32Array(width * height * image.bands);
    const missing = new Uint8Array(width * height);
    for (let i = 0; i < data.length; i++) {
      const pixel = Math.floor(i / image.bands);
      const [c, r] = [column + (pixel % width), row + Math.floor(pixel / width)];
      data[i] = brightness(truth(c + 0.5, r + 0.5), i % image.bands);
      if (c >= 20 && c < 60 && r >= 30 && r < 50) missing[pixel] = 1;
    }
    return { data, missing };
  });
}

const CELLS = 6;

export function madeRegistration(
  folder: string,
  map: PlaneMap,
  { transform = SAR_TRANSFORM, crs = CRS }: MadeScene = {},
  changes: Partial<Registration> = {},
): Registration {
  const toWorking = transformBetween(crs, CRS, 'optical.tif');
  const toOptical = transformBetween(CRS, crs, 'optical.tif');
  const own = affineMap(transform);
  const points = Array.from({ length: CELLS * CELLS }, (_, id) =>
    pointOf(id, map, (x, y) => own.toPixel(...toOptical(x, y))),
  );
  const scene = { width: SIDE, height: SIDE };
  const figures = { biasX: 0.4, biasY: -0.3, rmseX: 2, rmseY: 1.5, ce90: 4 };
  const interval = [0.1, 5] as const;
  return {
    ...{ status: 'trusted', features: 'both', radius: 32, seconds: 3.2 },
    sar: { file: `${folder}/sar.tif`, crs: CRS, ...scene },
    optical: { file: `${folder}/optical.tif`, crs, ...scene },
    grid: { crs: CRS, transform: SAR_TRANSFORM, ...scene, metres: PIXEL },
    matcher: { name: 's1s2-10m', fingerprint: 'ab'.repeat(32) },
    points,
    ladder: [{ kind: map.kind, parameters: 6, crossValidated: 0.3, inliers: 30, chosen: true }],
    correction: { crs: CRS, map },
    matrix: matrixOf(map, {
      ...{ optical: scene, sar: scene },
      opticalToGround: (pixel) => toWorking(...own.toGround(...pixel)),
      sarToPixel: (ground) => affineMap(SAR_TRANSFORM).toPixel(...ground),
    }),
    quality: {
      ...{ unit: 'm', pixel: PIXEL, heldOut: 6, before: { ...figures, ce90: 80 }, ...figures },
      intervals: { biasX: interval, biasY: interval, rmseX: interval, rmseY: interval, ce90: interval },
    },
    tests: [{ name: 'held-out CE90', value: 4, limit: 20, isMost: true, passed: true }],
    ...changes,
  };
}

/** A tie point that lies exactly on the map; every seventh is ambiguous and wrong, every thirteenth was not looked for. */
function pointOf(
  id: number,
  map: PlaneMap,
  toOpticalPixel: (x: number, y: number) => readonly [number, number],
): TiePoint {
  const cell = { column: id % CELLS, row: Math.floor(id / CELLS) };
  const side = SIDE / CELLS;
  const wanted: GroundPosition = [EAST + (cell.column + 0.5) * side * PIXEL, NORTH - (cell.row + 0.5) * side * PIXEL];
  const sarGround = mapPoint(map, wanted);
  const sar = affineMap(SAR_TRANSFORM).toPixel(...sarGround);
  const base = { id, cell, heldOut: id % 5 === 2, sar, sarGround };
  if (id % 13 === 5) return { ...base, reason: 'no data' };
  const isWrong = id % 7 === 3;
  const opticalGround: GroundPosition = isWrong ? [wanted[0] + 200, wanted[1]] : wanted;
  const offset = { column: (opticalGround[0] - sarGround[0]) / PIXEL, row: (sarGround[1] - opticalGround[1]) / PIXEL };
  return {
    ...base,
    reason: isWrong ? 'ambiguous' : 'used',
    ...{ optical: toOpticalPixel(...opticalGround), opticalGround, offset, covariance: [0.04, 0, 0.05] },
    ...{ peak: 0.8, ratio: isWrong ? 0.99 : 0.5, backward: 0.2, probability: 0.97, residual: { column: 0, row: 0 } },
  };
}
