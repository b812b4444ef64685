/**
 * Both scenes of a registration by window. The SAR scene is read on the working grid; the optical scene through any affine
 * hypothesis of where the ground of a SAR pixel lies in it, so that both show the same ground at the same pixels.
 */
import { UsageError } from '../errors.ts';
import { GridReader } from '../geo/grid_reader.ts';
import { affineMap } from '../geo/pixel_map.ts';
import type { PlacedFile } from '../geo/place.ts';
import { BlockCache } from '../raster/block_cache.ts';
import type { AffineTransform, Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { WindowReader } from '../raster/window_reader.ts';
import { bandsIn } from './bands.ts';
import { levelled, levelsOf, type ReadWindow } from './levels.ts';
import { composed, inverted, type PixelAffine } from './pixel_affine.ts';
import type { RegistrationSettings } from './settings.ts';
import { sourceWindow, warped } from './warp.ts';
import { type NamedFile, type WorkingGrid, workingGrid } from './working_grid.ts';

export interface ScenePair {
  readonly grid: WorkingGrid;
  /** Samples on the working grid, levelled; windows may leave the scene, where samples are missing. */
  readonly sar: ReadWindow;
  /**
   * The optical scene, levelled: pixel p shows what lies at `place(p)` of the working grid by the optical georeference.
   * The hypothesis is snapped to multiples of 8 pixels of the file, by 4 pixels at most, where nothing then has to be
   * interpolated: the features of the optical scene then do not depend on its georeference at all.
   */
  through(hypothesis: PixelAffine): { readonly read: ReadWindow; readonly place: PixelAffine };
}

/** Largest difference of pixel sizes, as a share, at which the optical file's own pixels are interpolated once, directly. */
const SIMILAR = 0.25;

/** @throws UsageError where the files do not overlap, or have no values. */
export async function scenePair(
  sar: NamedFile,
  optical: NamedFile,
  settings: RegistrationSettings,
): Promise<ScenePair> {
  const grid = workingGrid(sar, optical, settings);
  const sarBands = bandsIn(sar.name, [settings.sarBand], sar.file.bands);
  const sarReader = new GridReader(cached(sar.file, sarBands), sar.name, grid, sarBands);
  const lattice = opticalLattice(optical, grid);
  const bands = opticalBands(optical, settings);
  const opticalReader = new GridReader(cached(optical.file, bands), optical.name, lattice, bands);
  const whole = { column: 0, row: 0, width: grid.width, height: grid.height };
  const sarLevels = await levelsOf((window) => sarReader.read(window), whole, true, sar.name);
  const ofOptical = enclosing(opticalReader.coverage());
  const opticalLevels = await levelsOf((window) => opticalReader.read(window), ofOptical, false, optical.name);
  const toLattice = composed(inverted(lattice.transform), grid.transform);
  return {
    grid,
    sar: async (window) => levelled(await sarReader.read(window), required(sarLevels, sar), true, sar.name),
    through(hypothesis) {
      const toFile = snapped(composed(toLattice, hypothesis));
      const read = (window: RasterWindow) => readThrough(opticalReader, window, toFile);
      return {
        read: async (window) => levelled(await read(window), required(opticalLevels, optical), false, optical.name),
        place: composed(inverted(toLattice), toFile),
      };
    },
  };
}

/** Bytes of decoded blocks that are kept of a file: some rows of tiles of a large scene, which neighbouring windows share. */
const CACHE_BYTES = 160 * 2 ** 20;

/** The same file, of which blocks are decoded once. @param bands that are read. */
function cached(file: PlacedFile, bands: readonly number[]): PlacedFile {
  const { width, height, unit = 'digital number' } = file;
  const source = { width, height, bands, unit, open: async () => file };
  const reader = new WindowReader(source, new BlockCache({ maxBytes: CACHE_BYTES }));
  return { ...file, read: (window = { column: 0, row: 0, width, height }) => reader.read(window) };
}

/** Largest deviation from whole pixels, per pixel, that snapping removes. */
const STRAIGHT = 1e-7;

/** Pixels to whose multiples a shift is snapped: the longest period of features. */
export const SNAP = 8;

/** A map without turn and stretch, moved to whole steps. */
function snapped(map: PixelAffine): PixelAffine {
  const [a, b, c, d, e, f] = map;
  const isShift = [b - 1, c, e, f - 1].every((each) => Math.abs(each) < STRAIGHT);
  const step = (shift: number) => Math.round(shift / SNAP) * SNAP;
  return isShift ? [step(a), 1, 0, step(d), 0, 1] : map;
}

async function readThrough(reader: GridReader, window: RasterWindow, toFile: PixelAffine): Promise<Raster> {
  const [a, b, c, d, e, f] = toFile;
  if (b === 1 && c === 0 && e === 0 && f === 1 && Number.isInteger(a) && Number.isInteger(d)) {
    return reader.read({ ...window, column: window.column + a, row: window.row + d });
  }
  const from = sourceWindow(window, toFile);
  return warped(await reader.read(from), from, window, toFile);
}

type Lattice = {
  crs: string;
  transform: AffineTransform;
  width: number;
  height: number;
  map: ReturnType<typeof affineMap>;
};

/**
 * Pixels in which the optical file is read: its own, if they are of the working grid's size and system; else north-up pixels
 * of the working grid's size.
 */
function opticalLattice({ file }: NamedFile, grid: WorkingGrid): Lattice {
  const { transform, crs, width, height } = file;
  if (transform && !file.fitted && crs === grid.crs && isSimilar(transform, grid.transform)) {
    return { crs, transform, width, height, map: affineMap(transform) };
  }
  return { crs: grid.crs, transform: grid.transform, width: grid.width, height: grid.height, map: grid.map };
}

function isSimilar(file: AffineTransform, grid: AffineTransform): boolean {
  const [, b, c, , e, f] = composed(inverted(grid), file);
  const sides = [Math.hypot(b, e), Math.hypot(c, f)];
  const isLikeGrid = b > 0 && f > 0; // neither mirrored nor turned far
  return isLikeGrid && sides.every((side) => Math.abs(side - 1) < SIMILAR);
}

function enclosing([left, top, right, bottom]: readonly [number, number, number, number]): RasterWindow {
  const [column, row] = [Math.floor(left), Math.floor(top)];
  return { column, row, width: Math.ceil(right) - column, height: Math.ceil(bottom) - row };
}

function required(levels: number[] | undefined, { name }: NamedFile): number[] {
  if (levels) return levels;
  throw new UsageError({
    ...{ action: `register ${name}`, expected: 'samples on the common ground', found: 'none that is valid' },
    remedy: 'Check its no-data value and its georeference by `gdalinfo`.',
  });
}

function opticalBands({ file, name }: NamedFile, { opticalBands: asked }: RegistrationSettings): readonly number[] {
  if (asked) return bandsIn(name, asked, file.bands);
  return file.imageBands.slice(0, file.imageBands.length >= 3 ? 3 : 1);
}
