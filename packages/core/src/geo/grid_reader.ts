/**
 * Reads a raster file resampled to another grid, window by window. If the two grids coincide pixel by pixel, the
 * samples are copied; else they are interpolated, and averaged if the file is finer than the grid.
 */
import { pacer } from '../base/pause.ts';
import { FormatError } from '../errors.ts';
import type { RasterFile } from '../raster/open.ts';
import type { Raster } from '../raster/raster.ts';
import { convertUnit } from '../raster/units.ts';
import { ControlPoints } from './control_points.ts';
import type { Grid, PixelWindow } from './grid.ts';
import { type GroundLink, linkGround } from './ground_link.ts';
import type { Point } from './pixel_map.ts';
import { type Located, mapOf } from './place.ts';
import { LON_LAT, transformBetween } from './reference_system.ts';

/** Maximum offset in pixels between two grids that count as the same. */
const SAME_GRID = 0.01;
/**
 * Maximum distance in pixels between points with exact coordinates; between them, coordinates are interpolated where
 * the map is straight enough.
 */
const CONTROL_STEP = 16;
/** Maximum number of file samples for one window; more means a badly chosen grid. */
const MAX_SAMPLES = 2 ** 27;
/** Turns round the Earth in which a file may be seen from a grid. */
const TURNS = [0, -1, 1, -2, 2];

/** Part of the file within a window, once for each turn round the Earth. */
interface Piece {
  /** Part of the file. */
  window: PixelWindow;
  /** Pixels that the turns add. */
  shift: readonly [columns: number, rows: number];
}

export class GridReader {
  private readonly file: RasterFile & Located;
  private readonly name: string;
  private readonly bands: readonly number[];
  private readonly grid: Grid;
  private readonly link: GroundLink;
  /** File minus grid, where the two coincide pixel by pixel. */
  private readonly offset: readonly [columns: number, rows: number] | undefined;

  /**
   * @param name of the file, for messages. @param bands counted from 0.
   * @throws FormatError where a CRS is not understood.
   */
  constructor(file: RasterFile & Located, name: string, grid: Grid, bands: readonly number[]) {
    this.file = file;
    this.name = name;
    this.bands = bands;
    this.grid = grid;
    this.link = linkGround(grid, file, name);
    this.offset = this.findOffset(grid);
  }

  /** True if samples are interpolated, false if they are copied. */
  get isResampled(): boolean {
    return this.offset === undefined;
  }

  /**
   * Pixel of the file at the upper left pixel of the grid, where the two coincide pixel by pixel; undefined if samples
   * are interpolated, or the file is read beyond a turn round the Earth.
   */
  get placement(): readonly [column: number, row: number] | undefined {
    if (!this.offset) return undefined;
    const [column, row] = this.offset;
    const pieces = this.clipped(column, row, column + this.grid.width, row + this.grid.height);
    return pieces.every(({ shift }) => shift[0] === 0 && shift[1] === 0) ? this.offset : undefined;
  }

  /** Upper bound of the part of the grid that the file covers, clipped to the grid; in pixels, not rounded. */
  coverage(): [minColumn: number, minRow: number, maxColumn: number, maxRow: number] {
    const [seen, isWhole] = this.seenFromFile();
    const met = this.metByGrid(isWhole ? 0 : 1);
    const points = [...seen, ...met];
    const [columns, rows] = [points.map(([column]) => column), points.map(([, row]) => row)];
    const { width, height } = this.grid;
    const isOnGrid = ([column, row]: Point) => column >= 0 && column <= width && row >= 0 && row <= height;
    if (met.length === 0 && !seen.some(isOnGrid)) return [0, 0, 0, 0];
    const inside = (value: number, end: number) => Math.min(Math.max(value, 0), end);
    return [
      inside(Math.min(...columns), width),
      inside(Math.min(...rows), height),
      inside(Math.max(...columns), width),
      inside(Math.max(...rows), height),
    ];
  }

  /** Samples of the file that a window needs; 0 where it does not reach it. */
  costOf(window: PixelWindow): number {
    const step = Math.max(CONTROL_STEP, Math.max(window.width, window.height) / 16); // an estimate needs no more points
    const points = this.offset ? undefined : ControlPoints.now(window, this.link.toFile, step);
    return this.samplesOf(this.piecesFor(window, points));
  }

  /**
   * Reads the window as a raster; pixels outside the file are missing.
   *
   * @throws FormatError where the file is damaged, or so much finer than the grid that a window is too large to read.
   * @throws the signal's reason when it is aborted.
   */
  async read(window: PixelWindow, signal?: AbortSignal): Promise<Raster> {
    const points = this.offset ? undefined : await ControlPoints.of(window, this.link.toFile, CONTROL_STEP, signal);
    const pieces = this.piecesFor(window, points);
    if (pieces.length === 0) return this.nothing(window);
    const samples = this.samplesOf(pieces);
    if (samples > MAX_SAMPLES) {
      throw new FormatError({
        ...{ action: 'resample', file: this.name },
        expected: `at most ${MAX_SAMPLES} samples for ${window.width} × ${window.height} pixels of the grid`,
        found: String(samples),
        remedy: 'Cut on the finer grid (--grid), or at a finer --resolution.',
      });
    }
    const parts: Raster[] = [];
    for (const piece of pieces) parts.push(await this.file.read(piece.window, [...this.bands]));
    if (!points) return this.place(parts, pieces, window);
    const { unit } = parts[0]!;
    if (unit !== 'dB') return this.resample(parts, pieces, points, window, signal);
    const linear = parts.map((part) => convertUnit(part, 'intensity', this.name)); // power is averaged
    return convertUnit(await this.resample(linear, pieces, points, window, signal), 'dB', this.name);
  }

  /** Pixels of the grid that show the file, from a lattice over the file; and whether the grid can show all of it. */
  private seenFromFile(): [points: Point[], isWhole: boolean] {
    const { width, height } = this.file;
    const seen = lattice(16).map(([u, v]) => this.link.toGrid(u * width, v * height));
    const finite = seen.filter(([column]) => Number.isFinite(column));
    const turned = finite.flatMap(([column, row]) =>
      this.link.gridTurn
        ? [-1, 0, 1].map((turn): Point => [column + turn * this.link.gridTurn![0], row + turn * this.link.gridTurn![1]])
        : [],
    );
    const onGrid = turned.filter(([column]) => column >= 0 && column <= this.grid.width);
    return [[...finite, ...onGrid], finite.length === seen.length && !this.holdsPole()];
  }

  /** Pixels of the grid that the file holds, from a lattice over the grid. @param reach steps to add on each side. */
  private metByGrid(reach: number): Point[] {
    const steps = 32;
    const { width, height } = this.grid;
    const [stepX, stepY] = [(width / steps) * reach, (height / steps) * reach];
    const met = lattice(steps)
      .map(([u, v]): Point => [u * width, v * height])
      .filter((point) => this.isInFile(this.link.toFile(...point)));
    if (reach === 0) return met;
    return met.flatMap(([column, row]): Point[] => [
      [column - stepX, row - stepY],
      [column + stepX, row + stepY],
    ]);
  }

  private isInFile([x, y]: Point): boolean {
    const [dx, dy] = this.link.fileTurn ?? [0, 0];
    const { width, height } = this.file;
    return TURNS.some((turn) => {
      const [column, row] = [x + turn * dx, y + turn * dy];
      return column >= 0 && column <= width && row >= 0 && row <= height;
    });
  }

  /** True where a pole lies within: the edge of the file is not the edge of what it shows in degrees. */
  private holdsPole(): boolean {
    const { crs } = this.grid;
    if (crs === undefined || this.file.crs === undefined || crs === this.file.crs) return false;
    const map = mapOf(this.file);
    return [-90, 90].some((latitude) => {
      const [column, row] = map!.toPixel(...transformBetween(LON_LAT, this.file.crs!, this.name)(0, latitude));
      return column >= 0 && column <= this.file.width && row >= 0 && row <= this.file.height;
    });
  }

  private findOffset({ width, height }: Grid): [number, number] | undefined {
    const first = this.link.toFile(0, 0);
    const shifts = lattice(2).map(([u, v]) => {
      const [column, row] = this.link.toFile(u * width, v * height, [first[0] + u * width, first[1] + v * height]);
      return [column - u * width, row - v * height] as const;
    });
    const [columns, rows] = [Math.round(shifts[0]![0]), Math.round(shifts[0]![1])];
    const isSame = shifts.every(([c, r]) => Math.abs(c - columns) < SAME_GRID && Math.abs(r - rows) < SAME_GRID);
    if (!isSame) return undefined;
    const turn = this.link.fileTurn?.[0] ?? 0;
    const isWhole = Math.abs(turn - Math.round(turn)) < SAME_GRID;
    const pieces = this.clipped(columns, rows, columns + width, rows + height);
    return isWhole || pieces.every(({ shift }) => shift[0] === 0) ? [columns, rows] : undefined;
  }

  /** Parts of the file that must be read; none where it does not reach the window. */
  private piecesFor(window: PixelWindow, points: ControlPoints | undefined): Piece[] {
    const { column, row, width, height } = window;
    if (!points) {
      const [left, top] = [column + this.offset![0], row + this.offset![1]];
      return this.clipped(left, top, left + width, top + height);
    }
    const bounds = points.bounds();
    if (!bounds) return [];
    const [minX, minY, maxX, maxY] = bounds;
    // A pixel beyond on each side, for interpolating.
    return this.clipped(Math.floor(minX) - 1, Math.floor(minY) - 1, Math.ceil(maxX) + 1, Math.ceil(maxY) + 1);
  }

  private clipped(left: number, top: number, right: number, bottom: number): Piece[] {
    const turn = this.link.fileTurn;
    return (turn ? TURNS : [0]).flatMap((turns) => {
      const [dx, dy] = turn ? [turns * turn[0], turns * turn[1]] : [0, 0];
      const [minX, minY] = [Math.max(Math.floor(left - dx), 0), Math.max(Math.floor(top - dy), 0)];
      const width = Math.min(Math.ceil(right - dx), this.file.width) - minX;
      const height = Math.min(Math.ceil(bottom - dy), this.file.height) - minY;
      return width > 0 && height > 0
        ? [{ window: { column: minX, row: minY, width, height }, shift: [dx, dy] as const }]
        : [];
    });
  }

  private samplesOf(pieces: readonly Piece[]): number {
    return pieces.reduce((sum, { window }) => sum + window.width * window.height, 0) * this.bands.length;
  }

  private nothing({ width, height }: PixelWindow): Raster {
    const bands = this.bands.length;
    const data = new Float32Array(width * height * bands).fill(Number.NaN);
    const noData = new Uint8Array(width * height).fill(1);
    return { data, width, height, bands, unit: this.file.unit ?? 'digital number', noData };
  }

  /** Copies samples to their positions in the window. */
  private place(parts: readonly Raster[], pieces: readonly Piece[], window: PixelWindow): Raster {
    const { data, width, height, bands, unit, noData } = parts[0]!;
    // A part is never larger than the window but for a rounding of turns.
    const isWhole = parts.length === 1 && width === window.width && height === window.height;
    if (isWhole) return { ...{ data, width, height, bands, unit }, ...(noData && { noData }) };
    const whole = { ...this.nothing(window), unit };
    parts.forEach((part, i) => {
      this.placePart(part, pieces[i]!, whole, window);
    });
    return withoutEmptyMask(whole);
  }

  private placePart(part: Raster, piece: Piece, whole: Raster, window: PixelWindow): void {
    const { bands } = part;
    // Where a turn is no whole number of pixels by a rounding, a part may reach a pixel beyond the window.
    const left = piece.window.column + Math.round(piece.shift[0]) - this.offset![0] - window.column;
    const top = piece.window.row + Math.round(piece.shift[1]) - this.offset![1] - window.row;
    const [skip, end] = [Math.max(0, -left), Math.min(part.width, window.width - left)];
    for (let row = Math.max(0, -top); row < Math.min(part.height, window.height - top); row++) {
      const to = (top + row) * window.width + left + skip;
      const [from, until] = [row * part.width + skip, row * part.width + end];
      whole.data.set(part.data.subarray(from * bands, until * bands), to * bands);
      if (part.noData) whole.noData!.set(part.noData.subarray(from, until), to);
      else whole.noData!.fill(0, to, to + until - from);
    }
  }

  private async resample(
    parts: readonly Raster[],
    pieces: readonly Piece[],
    points: ControlPoints,
    window: PixelWindow,
    signal: AbortSignal | undefined,
  ): Promise<Raster> {
    const samples = Math.max(1, Math.round(points.scale()));
    const { bands, unit } = parts[0]!;
    const whole = { ...this.nothing(window), unit };
    const samplers = parts.map((part, i) => new Sampler(part, pieces[i]!));
    const sums = new Float64Array(bands);
    const pace = pacer(signal);
    for (let row = 0; row < window.height; row++) {
      const rest = pace();
      if (rest) await rest;
      for (let column = 0; column < window.width; column++) {
        sums.fill(0);
        let count = 0;
        for (let k = 0; k < samples * samples; k++) {
          const u = column + ((k % samples) + 0.5) / samples;
          const v = row + (Math.floor(k / samples) + 0.5) / samples;
          const [x, y] = points.at(u, v);
          if (samplers.some((sampler) => sampler.addTo(sums, x, y))) count++;
        }
        if (count < (samples * samples) / 2) continue;
        const pixel = row * window.width + column;
        for (let band = 0; band < bands; band++) whole.data[pixel * bands + band] = sums[band]! / count;
        whole.noData![pixel] = 0;
      }
    }
    return withoutEmptyMask(whole);
  }
}

/** Evenly spread points of the unit square, edges included. */
function lattice(steps: number): Point[] {
  const along = Array.from({ length: steps + 1 }, (_, i) => i / steps);
  return along.flatMap((u) => along.map((v): Point => [u, v]));
}

function withoutEmptyMask(raster: Raster): Raster {
  if (raster.noData?.includes(1)) return raster;
  const { noData: _, ...rest } = raster;
  return rest;
}

/** Adds up bilinear samples of a raster, without missing ones. */
class Sampler {
  private readonly raster: Raster;

  private readonly left: number;
  private readonly top: number;

  /** @param piece of the file that the raster is. */
  constructor(raster: Raster, { window, shift }: Piece) {
    this.raster = raster;
    this.left = window.column + shift[0];
    this.top = window.row + shift[1];
  }

  /**
   * Adds the sample of each band at a point in pixels of the file.
   * @returns false if the point is outside or nearer to missing samples than to others.
   */
  addTo(sums: Float64Array, fileX: number, fileY: number): boolean {
    const { data, width, height, bands, noData } = this.raster;
    const [x, y] = [fileX - this.left, fileY - this.top];
    if (!(x >= 0 && y >= 0 && x <= width && y <= height)) return false;
    const [cx, cy] = [clamp(x - 0.5, width - 1), clamp(y - 0.5, height - 1)]; // between the centres of pixels
    const [x0, y0] = [Math.floor(cx), Math.floor(cy)];
    const [x1, y1] = [Math.min(x0 + 1, width - 1), Math.min(y0 + 1, height - 1)];
    const [fx, fy] = [cx - x0, cy - y0];
    const pixels = [y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1] as const;
    const weights: [number, number, number, number] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
    let valid = 1;
    if (noData) {
      valid = 0;
      for (let k = 0; k < 4; k++) {
        if (noData[pixels[k]!]) weights[k] = 0;
        valid += weights[k]!;
      }
      if (valid < 0.5) return false;
    }
    for (let band = 0; band < bands; band++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) if (weights[k]! > 0) sum += weights[k]! * data[pixels[k]! * bands + band]!;
      sums[band]! += sum / valid;
    }
    return true;
  }
}

const clamp = (value: number, max: number) => Math.min(Math.max(value, 0), max);
