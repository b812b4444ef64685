/**
 * Cuts two scenes that show the same ground into pairs of patches, on a common grid and by world coordinates. Scenes
 * are read in bands of rows, so that a whole one is never in memory.
 */

import { pause } from '../base/pause.ts';
import { FormatError } from '../errors.ts';
import { commonGrid, type Grid, type PixelWindow } from '../geo/grid.ts';
import { GridReader } from '../geo/grid_reader.ts';
import type { Located } from '../geo/place.ts';
import { reasonToSkip } from '../raster/missing.ts';
import type { RasterFile } from '../raster/open.ts';
import type { Raster } from '../raster/raster.ts';

export interface SceneFile {
  /** Path or name, for messages. */
  name: string;
  file: RasterFile & Located;
  /** Counted from 0. */
  bands: readonly number[];
}

export interface CutOptions {
  /** Width and height of a patch, in pixels of the grid. */
  side: number;
  /** Pixels from one patch to the next. */
  stride: number;
  /** Sensor whose grid the patches are cut on. */
  grid: 'sar' | 'optical';
  /** Side of a pixel in units of the grid's CRS; default: as in the scene. */
  resolution?: number | undefined;
  /** Share of missing pixels up to which a patch is kept, in [0, 1]. */
  maxNoData: number;
  signal?: AbortSignal | undefined;
  /** Called with each assumption about the georeference of the scenes. */
  onGuess?: ((guess: string) => void) | undefined;
}

export interface CutPatch {
  sar: Raster;
  optical: Raster;
  /** Upper left pixel on the grid. */
  column: number;
  row: number;
  grid: Grid;
  /** Pixel of each file at the grid's upper left one; undefined if its samples are interpolated. */
  placements: { sar: Placement; optical: Placement };
}

type Placement = GridReader['placement'];

/** Position on the lattice that gives no pair, with the reason. */
export interface LeftOut {
  reason: string;
  count: number;
}

/** Maximum number of samples of both scenes in memory at a time, unless a single patch needs more. */
const BLOCK_SAMPLES = 2 ** 23;
/** Number of patches between two checks for Ctrl-C. */
const PATCHES_BETWEEN_PAUSES = 256;

/**
 * Yields patches from the upper left corner of the grid, row by row within a block.
 *
 * @throws FormatError where the scenes cannot be laid on a common grid, do not overlap, or a file is damaged.
 */
export async function* cutScenes(
  sar: SceneFile,
  optical: SceneFile,
  options: CutOptions,
): AsyncGenerator<CutPatch | LeftOut> {
  const { side, stride, maxNoData } = options;
  const [base, other] = options.grid === 'sar' ? [sar, optical] : [optical, sar];
  const { grid, guesses } = commonGrid(base.file, other.file, [base.name, other.name], options.resolution);
  for (const guess of guesses) options.onGuess?.(guess);
  const readers = {
    sar: new GridReader(sar.file, sar.name, grid, sar.bands),
    optical: new GridReader(optical.file, optical.name, grid, optical.bands),
  };
  const placements = { sar: readers.sar.placement, optical: readers.optical.placement };
  await pause(options.signal);
  const lattice = latticeOf(grid, [readers.sar, readers.optical], side, stride);
  if (lattice.inside.columns * lattice.inside.rows === 0) throw noPatch(sar, optical, grid, lattice.common, options);
  yield { reason: 'outside', count: lattice.outside };

  const windowOf = ({ column, row, columns, rows }: Block): PixelWindow => ({
    column: column * stride,
    row: row * stride,
    width: (columns - 1) * stride + side,
    height: (rows - 1) * stride + side,
  });
  const costOf = (block: Block) => {
    const window = windowOf(block);
    return readers.sar.costOf(window) + readers.optical.costOf(window) + window.width * window.height;
  };
  for (const block of splitToCost(lattice.inside, costOf)) {
    await pause(options.signal);
    const window = windowOf(block);
    const count = block.rows * block.columns;
    const sarBlock = await readers.sar.read(window, options.signal);
    const opticalBlock = await readers.optical.read(window, options.signal);
    for (let i = 0; i < count; i++) {
      if (i % PATCHES_BETWEEN_PAUSES === 0) await pause(options.signal);
      const [x, y] = [(i % block.columns) * stride, Math.floor(i / block.columns) * stride];
      const pair = { sar: crop(sarBlock, x, y, side), optical: crop(opticalBlock, x, y, side) };
      const reason = reasonToSkip(pair, maxNoData);
      if (reason) yield { reason, count: 1 };
      else yield { ...pair, column: window.column + x, row: window.row + y, grid, placements };
    }
  }
}

/** Block of patches on the lattice: position and number in each direction. */
interface Block {
  column: number;
  row: number;
  columns: number;
  rows: number;
}

/** Part of the lattice of patches that lies within both scenes. */
function latticeOf(
  { width, height }: Grid,
  readers: readonly GridReader[],
  side: number,
  stride: number,
): { inside: Block; outside: number; common: { width: number; height: number } } {
  const coverages = readers.map((reader) => reader.coverage());
  const low = (k: 0 | 1) => Math.max(0, ...coverages.map((each) => each[k]));
  const high = (k: 2 | 3, end: number) => Math.min(end, ...coverages.map((each) => each[k]));
  const slack = 0.5; // of a pixel: coverages are rounded by projections
  const range = (from: number, to: number) => {
    const first = Math.ceil((from - slack) / stride);
    return { first, count: Math.max(0, Math.floor((to + slack - side) / stride) - first + 1) };
  };
  const [columns, rows] = [range(low(0), high(2, width)), range(low(1), high(3, height))];
  const all = range(0, width).count * range(0, height).count;
  const inside = { column: columns.first, row: rows.first, columns: columns.count, rows: rows.count };
  const common = { width: high(2, width) - low(0), height: high(3, height) - low(1) };
  return { inside, outside: all - inside.columns * inside.rows, common };
}

/** Splits a block into bands of rows that fit into memory; a single row that does not fit is split into columns. */
function* splitToCost(block: Block, costOf: (block: Block) => number): Generator<Block> {
  const { column, row, columns, rows } = block;
  if ((columns === 1 && rows === 1) || costOf(block) <= BLOCK_SAMPLES) {
    yield block;
    return;
  }
  if (rows > 1) {
    const above = Math.floor(rows / 2);
    yield* splitToCost({ column, row, columns, rows: above }, costOf);
    yield* splitToCost({ column, row: row + above, columns, rows: rows - above }, costOf);
  } else {
    const before = Math.floor(columns / 2);
    yield* splitToCost({ column, row, columns: before, rows }, costOf);
    yield* splitToCost({ column: column + before, row, columns: columns - before, rows }, costOf);
  }
}

function crop(block: Raster, x: number, y: number, side: number): Raster {
  const { bands, width, unit } = block;
  const data = new Float32Array(side * side * bands);
  const noData = block.noData && new Uint8Array(side * side);
  for (let row = 0; row < side; row++) {
    const from = (y + row) * width + x;
    data.set(block.data.subarray(from * bands, (from + side) * bands), row * side * bands);
    noData?.set(block.noData!.subarray(from, from + side), row * side);
  }
  const patch: Raster = { data, width: side, height: side, bands, unit };
  return noData?.includes(1) ? { ...patch, noData } : patch;
}

function noPatch(
  sar: SceneFile,
  optical: SceneFile,
  grid: Grid,
  common: { width: number; height: number },
  { side, stride }: Pick<CutOptions, 'side' | 'stride'>,
): FormatError {
  const [width, height] = [Math.round(common.width), Math.round(common.height)];
  if (width >= side && height >= side) {
    return new FormatError({
      ...{ action: 'cut patches from', file: `${sar.name} and ${optical.name}` },
      expected: `a patch of ${side} × ${side} pixels, at multiples of ${stride} from the corner of the grid, on common ground`,
      found: `common ground of ${width} × ${height} pixels, which lies between them`,
      remedy: 'Choose a smaller --stride or --side.',
    });
  }
  const size = ({ file }: SceneFile) => `${file.width} × ${file.height} pixels in ${shown(file.crs)}`;
  return new FormatError({
    action: 'cut patches from',
    file: `${sar.name} and ${optical.name}`,
    expected: `common ground of at least ${side} × ${side} pixels of the grid (${grid.width} × ${grid.height})`,
    found: `less: ${size(sar)} against ${size(optical)}`,
    remedy: 'Check that the scenes show the same ground, or choose a smaller --side.',
  });
}

const shown = (crs: string | undefined) =>
  crs === undefined ? 'no CRS' : crs.length > 60 ? `${crs.slice(0, 60)}…` : crs;
