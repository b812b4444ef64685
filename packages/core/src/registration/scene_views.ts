/**
 * Pictures of both scenes on the working grid, for a reader to compare: the whole grid at reduced resolution and details at
 * held-out points, the optical scene by its own georeference and corrected.
 */
import type { Grid } from '../geo/grid.ts';
import { GridReader } from '../geo/grid_reader.ts';
import { affineMap, type PixelMap } from '../geo/pixel_map.ts';
import { openPlaced, type PlacedFile } from '../geo/place.ts';
import { readStrips } from '../geo/read_strips.ts';
import type { AffineTransform, Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Store } from '../store.ts';
import { invertPoint, mapPoint } from './plane_map.ts';
import type { PlaneMap, Registration, TiePoint } from './registration.ts';

export interface ViewOptions {
  /** Longer side of the overview in pixels. */
  readonly overview?: number;
  /** Side of a detail in pixels of the working grid. */
  readonly detail?: number;
  /** Bands from 1. */
  readonly sarBand?: number | undefined;
  readonly opticalBands?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ViewPixels {
  readonly heading: string;
  /** Part of the working grid, in its pixels. */
  readonly window: RasterWindow;
  readonly sar: Raster;
  /** The optical scene by its own georeference. */
  readonly before: Raster;
  /** The optical scene corrected; absent without a correction. */
  readonly after?: Raster | undefined;
}

const DEFAULTS = { overview: 640, detail: 192 };

/** The overview first. @throws FileError, FormatError as `openRaster`. */
export async function readViews(
  store: Store,
  registration: Registration,
  options: ViewOptions = {},
): Promise<[ViewPixels, ...ViewPixels[]]> {
  const { overview, detail } = { ...DEFAULTS, ...options };
  const { grid } = registration;
  const whole = { column: 0, row: 0, width: grid.width, height: grid.height };
  const sar = await openPlaced(store, registration.sar.file);
  try {
    const optical = await openPlaced(store, registration.optical.file);
    try {
      const read = (heading: string, window: RasterWindow, step: number) =>
        readView({ sar, optical, registration, options }, { heading, window, step });
      const step = Math.max(1, Math.max(grid.width, grid.height) / overview);
      const views: [ViewPixels, ...ViewPixels[]] = [await read('The whole scene', whole, step)];
      for (const { heading, window } of detailsOf(registration, detail)) views.push(await read(heading, window, 1));
      return views;
    } finally {
      await optical.close();
    }
  } finally {
    await sar.close();
  }
}

interface Scenes {
  sar: PlacedFile;
  optical: PlacedFile;
  registration: Registration;
  options: ViewOptions;
}

async function readView(
  { sar, optical, registration, options }: Scenes,
  { heading, window, step }: { heading: string; window: RasterWindow; step: number },
): Promise<ViewPixels> {
  const grid = viewGrid(registration.grid, window, step);
  const { sarBand = 1, opticalBands, signal } = options;
  const bands =
    opticalBands?.map((band) => band - 1) ?? optical.imageBands.slice(0, optical.imageBands.length >= 3 ? 3 : 1);
  const from = (file: PlacedFile, name: string, on: Grid, of: readonly number[]) =>
    readStrips(new GridReader(file, name, on, of), { column: 0, row: 0, width: on.width, height: on.height }, signal);
  const { correction } = registration;
  return {
    ...{ heading, window },
    sar: await from(sar, registration.sar.file, grid, [sarBand - 1]),
    before: await from(optical, registration.optical.file, grid, bands),
    ...(correction && {
      after: await from(optical, registration.optical.file, corrected(grid, correction.map), bands),
    }),
  };
}

/** Window of the working grid in steps of several pixels. */
function viewGrid(
  { crs, transform }: Registration['grid'],
  { column, row, width, height }: RasterWindow,
  step: number,
): Grid & { crs: string } {
  const [x, a, b, y, c, d] = transform as AffineTransform;
  const origin = [x + a * column + b * row, y + c * column + d * row] as const;
  const [columns, rows] = [width, height].map((side) => Math.max(1, Math.round(side / step))) as [number, number];
  // Whole pixels: the step is as near to the one asked for as they allow.
  const [dx, dy] = [width / columns, height / rows];
  const own: AffineTransform = [origin[0], a * dx, b * dy, origin[1], c * dx, d * dy];
  return { crs, transform: own, map: affineMap(own), width: columns, height: rows };
}

/** The grid as the optical file's georeference sees it: ground by the SAR file → ground by the optical file. */
function corrected({ transform: _, map, ...grid }: Grid, correction: PlaneMap): Grid {
  const moved: PixelMap = {
    toGround: (column, row) => [...invertPoint(correction, map.toGround(column, row))],
    toPixel: (x, y) => map.toPixel(...mapPoint(correction, [x, y])),
  };
  return { ...grid, map: moved };
}

interface Detail {
  heading: string;
  window: RasterWindow;
}

/** Details at the held-out points with the smallest, the median and the largest residual, or in the middle if there are none. */
export function detailsOf(registration: Registration, side: number): Detail[] {
  const { points, grid } = registration;
  const judged = points.filter(({ heldOut, residual }) => heldOut && residual).sort((a, b) => missOf(a) - missOf(b));
  const around = (column: number, row: number) => windowAround(column, row, side, grid);
  if (judged.length === 0) {
    return [{ heading: 'The middle of the scene', window: around(grid.width / 2, grid.height / 2) }];
  }
  const last = judged.length - 1;
  const chosen = [...new Set([0, Math.floor(last / 2), last])];
  const words = chosen.length === 3 ? ['smallest ', 'median ', 'largest '] : chosen.map(() => '');
  const [x0, a, b, y0, c, d] = grid.transform as AffineTransform;
  const { toPixel } = affineMap([x0, a, b, y0, c, d]);
  return chosen.map((index, i) => {
    const point = judged[index]!;
    const [column, row] = toPixel(...point.sarGround);
    return {
      heading: `Held-out cell ${point.id}: ${words[i]}residual ${missOf(point).toFixed(1)} px`,
      window: around(column, row),
    };
  });
}

const missOf = ({ residual }: TiePoint) => Math.hypot(residual!.column, residual!.row);

function windowAround(column: number, row: number, side: number, grid: Registration['grid']): RasterWindow {
  const [width, height] = [Math.min(side, grid.width), Math.min(side, grid.height)];
  const start = (at: number, size: number, end: number) => Math.round(Math.min(Math.max(at - size / 2, 0), end - size));
  return { column: start(column, width, grid.width), row: start(row, height, grid.height), width, height };
}
