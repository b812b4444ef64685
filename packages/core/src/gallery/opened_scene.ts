/**
 * A scene of a gallery by window: its pixels on the scale of the model, and where they lie on the ground. Decoded blocks are
 * cached, since tiles overlap.
 */
import type { Sensor } from '../dataset/scenes.ts';
import { metresBetween } from '../geo/metres_between.ts';
import type { Point } from '../geo/pixel_map.ts';
import { mapOf, openPlaced, type PlacedFile } from '../geo/place.ts';
import { LON_LAT, transformBetween } from '../geo/reference_system.ts';
import { opticalBandsOf, sarBandOf } from '../import/sample_options.ts';
import { BlockCache } from '../raster/block_cache.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { WindowReader } from '../raster/window_reader.ts';
import { levelled, levelsOf } from '../registration/levels.ts';
import type { Store } from '../store.ts';

export interface SceneOptions {
  sensor: Sensor;
  /** Unit of the samples; default: that of the file. */
  unit?: Unit | undefined;
  /** Bands counted from 0; default: the only one, or red, green and blue. */
  bands?: readonly number[] | undefined;
  /** 99 % quantile of each band, which becomes 255; `measure`: those of the scene, unless it holds samples of 8 bits. */
  levels?: readonly number[] | 'measure' | undefined;
  /** Companion files that count; default: those that are there. */
  companions?: readonly string[] | undefined;
  /** Decoded blocks; scenes may share one. Default: one of its own, of some rows of squares. */
  cache?: BlockCache | undefined;
}

const CACHE_BYTES = 96 * 2 ** 20;

/** Corners of a window in degrees: upper left, upper right, lower right, lower left. */
export type Corners = readonly [Point, Point, Point, Point];

/** Middle of a window in degrees. */
export const middleOf = (corners: Corners): Point =>
  [0, 1].map((axis) => corners.reduce((sum, corner) => sum + corner[axis]! / 4, 0)) as Point;

export interface OpenedScene {
  readonly width: number;
  readonly height: number;
  /** Bands that are read, counted from 0. */
  readonly bands: readonly number[];
  readonly levels: readonly number[] | undefined;
  /** Metres along the side of a pixel at the middle; undefined where the scene is not placed. */
  readonly metres: number | undefined;
  /** Pixels of a window, which may reach beyond the scene, where they are missing. */
  read(window: RasterWindow): Promise<Raster>;
  /** Undefined where the scene is not placed on the ground, or the window reaches where it is not. */
  cornersOf(window: RasterWindow): Corners | undefined;
  close(): Promise<void>;
}

/** Opens a scene. @throws FileError or FormatError where it cannot be read. */
export async function openScene(store: Store, path: string, options: SceneOptions): Promise<OpenedScene> {
  const { sensor, unit, companions, cache = new BlockCache({ maxBytes: CACHE_BYTES }) } = options;
  const file = await openPlaced(store, path, { ...(unit && { unit }), ...(companions && { companions }) });
  try {
    const bands = bandsOf(file, path, options);
    const { width, height } = file;
    const source = { width, height, bands, unit: file.unit ?? unit ?? 'digital number', open: async () => file };
    const reader = new WindowReader(source, cache);
    const stored = (window: RasterWindow) => reader.read(window);
    const levels = await levelsFor(file, path, options, stored);
    const isSar = sensor === 'sar';
    const cornersOf = placing(file, path);
    return {
      ...{ width, height, bands, levels, metres: metresOf(file, cornersOf), cornersOf },
      read: async (window) => (levels ? levelled(await stored(window), levels, isSar, path) : stored(window)),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

const bandsOf = (file: PlacedFile, path: string, { sensor, bands }: SceneOptions): readonly number[] =>
  sensor === 'sar' ? sarBandOf(file, path, bands?.[0]) : opticalBandsOf(file, path, bands);

async function levelsFor(
  file: PlacedFile,
  path: string,
  { levels, sensor }: SceneOptions,
  read: (window: RasterWindow) => Promise<Raster>,
): Promise<readonly number[] | undefined> {
  if (levels !== 'measure') return levels;
  if (file.sample.kind === 'unsigned' && file.sample.bits <= 8) return undefined;
  const whole = { column: 0, row: 0, width: file.width, height: file.height };
  return levelsOf(read, whole, sensor === 'sar', path);
}

function placing(file: PlacedFile, path: string): OpenedScene['cornersOf'] {
  const map = mapOf(file);
  if (!map || file.crs === undefined) return () => undefined;
  const toLonLat = transformBetween(file.crs, LON_LAT, path);
  return ({ column, row, width, height }) => {
    const at = (c: number, r: number) => toLonLat(...map.toGround(c, r));
    const [right, bottom] = [column + width, row + height];
    const corners: Corners = [at(column, row), at(right, row), at(right, bottom), at(column, bottom)];
    return corners.flat().every(Number.isFinite) ? corners : undefined;
  };
}

/** Pixels over which the length of one is measured. */
const SPAN = 100;

function metresOf({ width, height }: PlacedFile, cornersOf: OpenedScene['cornersOf']): number | undefined {
  const corners = cornersOf({ column: (width - SPAN) / 2, row: (height - SPAN) / 2, width: SPAN, height: SPAN });
  return corners && metresBetween(corners[0], corners[1]) / SPAN;
}

/** Bounds of a scene in degrees, [west, south, east, north]; undefined where it is not placed. */
export function boundsOf(scene: OpenedScene): [number, number, number, number] | undefined {
  const { width, height } = scene;
  const corners = scene.cornersOf({ column: 0, row: 0, width, height });
  if (!corners) return undefined;
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
