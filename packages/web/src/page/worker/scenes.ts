/**
 * Scenes that are open in the page: their place, pictures of them tile by tile, and samples cut from them. Each is shown on a
 * grid in its own reference system with north up, so that rotated files and those with control points are shown, too.
 */
import { FormatError } from '@doppel/core';
import {
  affineMap,
  type Grid,
  GridReader,
  mapOf,
  openPlaced,
  type PlacedFile,
  readStrips,
  referenceSystem,
} from '@doppel/core/geo';
import type { Raster } from '@doppel/core/raster';
import { type Limits, limitsOf, type Picture, pictureOf } from './picture.ts';
import { blobStore, remoteStore } from './remote_store.ts';
import { type Extent, levelsOf, type SceneFacts, TILE } from './scene_facts.ts';

export interface SceneSource {
  name: string;
  blob?: Blob | undefined;
  url?: string | undefined;
  authorization?: string | undefined;
}

type ShownGrid = Grid & { crs: string; transform: NonNullable<Grid['transform']> };

interface Opened {
  facts: SceneFacts;
  file: PlacedFile;
  grid: ShownGrid;
  bands: number[];
  limits: Limits;
}

const opened = new Map<number, Opened>();
let count = 0;

/** @throws FormatError where it cannot be read, or does not say where it lies. */
export async function openScene(source: SceneSource): Promise<SceneFacts> {
  const { name, blob, url, authorization } = source;
  const file = await openPlaced(blob ? blobStore(name, blob) : await remoteStore(name, url!, authorization), name);
  const grid = gridOf(file, name);
  const bands = file.imageBands.slice(0, file.imageBands.length >= 3 ? 3 : 1);
  const { definition, isGeographic } = referenceSystem(grid.crs, name);
  const [x, resolution, , y] = grid.transform;
  const extent: Extent = [x, y - grid.height * resolution, x + grid.width * resolution, y];
  const metres = resolution * (isGeographic ? 111_320 * Math.cos(((extent[1] + extent[3]) * Math.PI) / 360) : 1);
  const facts: SceneFacts = {
    ...{ id: count++, name, width: file.width, height: file.height, bands: file.bands },
    ...{ crs: grid.crs, definition, extent, resolution, metres },
  };
  const overview = coarser(grid, Math.max(1, Math.max(grid.width, grid.height) / OVERVIEW));
  const { width, height } = overview;
  const shown = { column: 0, row: 0, width, height };
  const limits = limitsOf(await readStrips(new GridReader(file, name, overview, bands), shown));
  opened.set(facts.id, { facts, file, grid, bands, limits });
  return facts;
}

/** Longer side, in pixels, of the picture from which the limits of the grey scale are taken. */
const OVERVIEW = 400;

export async function closeScene(id: number): Promise<void> {
  const scene = opened.get(id);
  opened.delete(id);
  await scene?.file.close();
}

/** The file's own grid if it is square and has north up; else one around it of the same pixel size. */
function gridOf(file: PlacedFile, name: string): ShownGrid {
  const map = mapOf(file);
  const { crs, width, height, transform } = file;
  if (crs === undefined || !map) throw unplaced(name);
  const isPlain = transform?.[2] === 0 && transform[4] === 0 && transform[1] > 0 && transform[5] < 0;
  if (isPlain && Math.abs(transform[1] / -transform[5] - 1) < 0.001) {
    return { crs, width, height, transform, map: affineMap(transform) };
  }
  const steps = Array.from({ length: 9 }, (_, i) => i / 8);
  const rim = steps.flatMap((u) => steps.map((v) => map.toGround(u * width, v * height)));
  const [xs, ys] = [rim.map(([x]) => x), rim.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.max(...ys)];
  const [wide, tall] = [Math.max(...xs) - left, top - Math.min(...ys)];
  const resolution = Math.sqrt((wide * tall) / (width * height));
  const own = [left, resolution, 0, top, 0, -resolution] as const;
  const sides = { width: Math.ceil(wide / resolution), height: Math.ceil(tall / resolution) };
  return { crs, transform: own, map: affineMap(own), ...sides };
}

function unplaced(file: string): FormatError {
  return new FormatError({
    ...{ action: 'show on a map', file, expected: 'a georeferenced scene', found: 'no place on the ground' },
    remedy: 'Give it a place (gdal_translate -a_srs … -a_ullr …), or compare two patches instead.',
  });
}

/** The grid in larger pixels. */
function coarser({ crs, transform, width, height }: ShownGrid, factor: number): ShownGrid {
  const [x, dx, , y, , dy] = transform;
  const own = [x, dx * factor, 0, y, 0, dy * factor] as const;
  const sides = { width: Math.max(1, Math.round(width / factor)), height: Math.max(1, Math.round(height / factor)) };
  return { crs, transform: own, map: affineMap(own), ...sides };
}

/** Picture of a tile, from the upper left corner of the scene. */
export async function sceneTile(id: number, level: number, column: number, row: number): Promise<Picture> {
  const { facts, file, grid, bands, limits } = opened.get(id)!;
  const on = coarser(grid, 2 ** (levelsOf(facts) - 1 - level));
  const window = { column: column * TILE, row: row * TILE, width: TILE, height: TILE };
  return pictureOf(await readStrips(new GridReader(file, facts.name, on, bands), window), limits);
}

export interface PlaceToCut {
  sar: number;
  optical: number;
  /** Ground in the SAR scene's reference system: the middles of both patches. */
  at: { sar: [x: number, y: number]; optical: [x: number, y: number] };
  /** Pixels of the SAR scene. */
  side: number;
  /** Pixels around the optical patch in which the SAR patch is searched for. */
  margin: number;
}

/** Patches of a place on the SAR scene's grid, with the optical window around. */
export async function cutPlace({ sar, optical, at, side, margin }: PlaceToCut) {
  const [one, other] = [opened.get(sar)!, opened.get(optical)!];
  const window = ([x, y]: [number, number], wide: number) => {
    const [column, row] = one.grid.map.toPixel(x, y);
    return { column: Math.round(column - wide / 2), row: Math.round(row - wide / 2), width: wide, height: wide };
  };
  const read = ({ file, facts, bands }: Opened, some: number[], box: ReturnType<typeof window>) =>
    new GridReader(file, facts.name, one.grid, some.length > 0 ? some : bands).read(box);
  return {
    sar: await read(one, [one.bands[0]!], window(at.sar, side)),
    optical: await read(other, [], window(at.optical, side)),
    window: await read(other, [], window(at.optical, side + 2 * margin)),
    names: { sar: one.facts.name, optical: other.facts.name },
  };
}

/** Patch of a scene: a square of its grid. */
export async function cutSquare(id: number, [x, y]: [number, number], side: number): Promise<Raster> {
  const { file, facts, grid, bands } = opened.get(id)!;
  const [column, row] = grid.map.toPixel(x, y);
  const box = { column: Math.round(column - side / 2), row: Math.round(row - side / 2), width: side, height: side };
  return new GridReader(file, facts.name, grid, bands).read(box);
}

/** Text of a reference system for proj4. @throws FormatError */
export const definitionOf = (crs: string): string => referenceSystem(crs, 'the registration').definition;
