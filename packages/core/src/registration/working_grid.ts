/**
 * The grid on which two scenes are compared: north-up, in a projected reference system, with the pixels of the coarser
 * file. It covers the SAR scene as far as the optical scene may reach.
 */
import { UsageError } from '../errors.ts';
import type { Grid, PixelWindow } from '../geo/grid.ts';
import { metresBetween } from '../geo/metres_between.ts';
import { affineMap } from '../geo/pixel_map.ts';
import { mapOf, type PlacedFile } from '../geo/place.ts';
import { LON_LAT, referenceSystem, transformBetween } from '../geo/reference_system.ts';
import type { AffineTransform } from '../raster/raster.ts';
import type { RegistrationSettings } from './settings.ts';

export interface WorkingGrid extends Grid {
  readonly crs: string;
  readonly transform: AffineTransform;
  /** Metres on the ground along the side of a pixel, at the middle. */
  readonly metres: number;
  /** Search radius in pixels. */
  readonly radius: number;
  /** Pixels that the optical scene covers by its own georeference; they may leave the grid. */
  readonly covered: PixelWindow;
}

/** Files with their names, for messages. */
export interface NamedFile {
  readonly file: PlacedFile;
  readonly name: string;
}

type Bounds = [left: number, bottom: number, right: number, top: number];

/** @throws UsageError where a file has no place, the two do not overlap, or the radius is beyond what they share. */
export function workingGrid(
  sar: NamedFile,
  optical: NamedFile,
  { radius, resolution }: Pick<RegistrationSettings, 'radius' | 'resolution'>,
): WorkingGrid {
  for (const each of [sar, optical]) requirePlace(each);
  const crs = projectedSystem(sar, optical);
  const [ours, theirs] = [boundsIn(crs, sar), boundsIn(crs, optical)];
  const pixels = pixelsFor(crs, sar, optical, resolution);
  const metres = metresOf(crs, sar, [(ours[0] + ours[2]) / 2, (ours[1] + ours[3]) / 2], pixels.sides[0]);
  const reach = reachOf(radius, metres, ours, theirs, pixels.sides);
  if (radius !== 'scene') refuseWide(reach, common(ours, theirs, 0), pixels.sides, sar, optical);
  const bounds = common(ours, theirs, reach * pixels.sides[0]);
  if (!bounds) throw noOverlap(sar, optical);
  const grid = gridOver(bounds, pixels);
  const covered = pixelsIn(grid.transform, theirs);
  return { ...grid, crs, metres, radius: reach, covered, map: affineMap(grid.transform) };
}

function requirePlace({ file, name }: NamedFile): void {
  const hasMap = mapOf(file) !== undefined;
  if (file.crs !== undefined && hasMap) return;
  const found = hasMap ? 'a transform only' : file.crs === undefined ? 'neither' : 'a reference system only';
  throw new UsageError({
    ...{ action: `register ${name}`, expected: 'a reference system and a transform (or control points)', found },
    remedy: `Say where it lies: \`gdal_edit.py -a_srs EPSG:NNNN${hasMap ? '' : ' -a_ullr LEFT TOP RIGHT BOTTOM'} ${name}\`.`,
  });
}

/** The first projected system of the two, else the UTM zone of the SAR scene. */
function projectedSystem(sar: NamedFile, optical: NamedFile): string {
  for (const { file, name } of [sar, optical]) {
    if (!referenceSystem(file.crs!, name).isGeographic) return file.crs!;
  }
  const { file, name } = sar;
  const middle = mapOf(file)!.toGround(file.width / 2, file.height / 2);
  const [longitude, latitude] = transformBetween(file.crs!, LON_LAT, name)(...middle);
  const zone = (Math.floor((longitude + 180) / 6) % 60) + 1;
  return `EPSG:${(latitude < 0 ? 32700 : 32600) + zone}`;
}

/** Points along an edge of a file, since edges are curves in another system. */
const EDGE_STEPS = 8;

function boundsIn(crs: string, { file, name }: NamedFile): Bounds {
  const to = transformBetween(file.crs!, crs, name);
  const map = mapOf(file)!;
  const steps = Array.from({ length: EDGE_STEPS + 1 }, (_, i) => i / EDGE_STEPS);
  const points = steps.flatMap((u) =>
    steps
      .map((v) => to(...map.toGround(u * file.width, v * file.height)))
      .filter((each) => each.every(Number.isFinite)),
  );
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Side of a pixel at the middle of a file: the root of its area. */
function pixelIn(crs: string, { file, name }: NamedFile): number {
  const to = transformBetween(file.crs!, crs, name);
  const map = mapOf(file)!;
  const [column, row] = [file.width / 2, file.height / 2];
  const [x, y] = to(...map.toGround(column, row));
  const [rightX, rightY] = to(...map.toGround(column + 1, row));
  const [downX, downY] = to(...map.toGround(column, row + 1));
  const side = Math.sqrt(Math.abs((rightX - x) * (downY - y) - (rightY - y) * (downX - x)));
  const rounded = Number(side.toPrecision(9)); // 9.999999999 of a sum of large numbers is 10
  return rounded;
}

/** Pixels of a north-up grid. */
interface Pixels {
  readonly sides: readonly [width: number, height: number];
  /** A corner of pixels. */
  readonly origin: readonly [x: number, y: number];
}

/** Share by which the optical pixels may be larger where those of the SAR file still serve. */
const SIMILAR = 0.25;

/** Pixels of the SAR file as they are, if they are north-up and not much finer than the optical ones; else squares. */
function pixelsFor(crs: string, sar: NamedFile, optical: NamedFile, resolution: number | undefined): Pixels {
  const coarser = Math.max(pixelIn(crs, sar), pixelIn(crs, optical));
  const { transform, crs: own, fitted } = sar.file;
  if (resolution === undefined && own === crs && transform && !fitted) {
    const [x, dx, rx, y, ry, dy] = transform;
    const isNorthUp = rx === 0 && ry === 0 && dx > 0 && dy < 0;
    const isSquare = Math.abs(dx + dy) < SIMILAR * dx;
    if (isNorthUp && isSquare && coarser < (1 + SIMILAR) * dx) return { sides: [dx, -dy], origin: [x, y] };
  }
  const side = resolution ?? coarser;
  return { sides: [side, side], origin: [0, 0] };
}

/** Metres on the ground of a length along x at a point. */
function metresOf(crs: string, { name }: NamedFile, [x, y]: readonly [number, number], length: number): number {
  const toLonLat = transformBetween(crs, LON_LAT, name);
  const span = 50 * length; // to each side
  return metresBetween(toLonLat(x - span, y), toLonLat(x + span, y)) / 100;
}

function reachOf(
  radius: RegistrationSettings['radius'],
  metres: number,
  ours: Bounds,
  theirs: Bounds,
  [wide, tall]: Pixels['sides'],
): number {
  if (radius !== 'scene') return radius.unit === 'px' ? radius.value : radius.value / metres;
  // From any place of one scene to any place of the other.
  const [across, down] = [0, 1].map((axis) =>
    Math.max(Math.abs(ours[axis + 2]! - theirs[axis]!), Math.abs(theirs[axis + 2]! - ours[axis]!)),
  );
  return Math.ceil(Math.max(across! / wide, down! / tall));
}

function common(ours: Bounds, theirs: Bounds, reach: number): Bounds | undefined {
  const bounds: Bounds = [
    Math.max(ours[0], theirs[0] - reach),
    Math.max(ours[1], theirs[1] - reach),
    Math.min(ours[2], theirs[2] + reach),
    Math.min(ours[3], theirs[3] + reach),
  ];
  return bounds[0] < bounds[2] && bounds[1] < bounds[3] ? bounds : undefined;
}

function gridOver([left, bottom, right, top]: Bounds, { sides: [wide, tall], origin: [x0, y0] }: Pixels) {
  const x = x0 + Math.floor((left - x0) / wide + 1e-6) * wide;
  const y = y0 - Math.floor((y0 - top) / tall + 1e-6) * tall;
  const transform: AffineTransform = [x, wide, 0, y, 0, -tall];
  const count = (length: number, side: number) => Math.max(1, Math.ceil(length / side - 1e-6));
  return { transform, width: count(right - x, wide), height: count(y - bottom, tall) };
}

function pixelsIn([x, wide, , y, , down]: AffineTransform, [left, bottom, right, top]: Bounds): PixelWindow {
  const tall = -down;
  const [column, row] = [Math.floor((left - x) / wide + 1e-6), Math.floor((y - top) / tall + 1e-6)];
  return {
    column,
    row,
    width: Math.ceil((right - x) / wide - 1e-6) - column,
    height: Math.ceil((y - bottom) / tall - 1e-6) - row,
  };
}

/** @throws UsageError if the search would reach beyond the common ground from wherever it begins. */
function refuseWide(
  reach: number,
  overlap: Bounds | undefined,
  [wide, tall]: readonly [number, number],
  sar: NamedFile,
  optical: NamedFile,
): void {
  if (!overlap) return; // scenes beside each other, which the radius must bridge
  const side = Math.max((overlap[2] - overlap[0]) / wide, (overlap[3] - overlap[1]) / tall);
  if (reach < side) return;
  throw new UsageError({
    action: `register ${optical.name} with ${sar.name}`,
    expected: `a radius below the ${Math.floor(side)} pixels that both scenes share`,
    found: `${Math.round(reach)} pixels`,
    remedy: 'Say a smaller --radius, or --radius scene to search everywhere.',
  });
}

const noOverlap = (sar: NamedFile, optical: NamedFile) =>
  new UsageError({
    action: `register ${optical.name} with ${sar.name}`,
    expected: 'scenes that overlap, or lie within the search radius of each other',
    found: 'no overlap',
    remedy: 'Check their georeferences by `gdalinfo`, or widen the radius (`--radius scene`: anywhere).',
  });
