/**
 * Reads a raster file as if it lay on another grid, window by window. Where the two grids coincide pixel by pixel the
 * samples are taken as they are; else they are interpolated, and averaged where the file is finer than the grid.
 */
import { FormatError } from '../errors.ts';
import type { RasterFile } from '../raster/open.ts';
import type { Raster } from '../raster/raster.ts';
import { convertUnit } from '../raster/units.ts';
import { type Grid, type PixelWindow, toGround, toPixel } from './grid.ts';
import { transformBetween } from './projection.ts';

type PixelTransform = (column: number, row: number) => [number, number];

/** Pixels by which two grids may be off and still be the same. */
const SAME_GRID = 0.01;
/** Coordinates are exact at every so many pixels and interpolated between; maps are straight enough over that distance. */
const CONTROL_STEP = 16;
/** Of one window, samples of the file: above it, something is wrong with the choice of the grid. */
const MAX_SAMPLES = 2 ** 27;

export class GridReader {
  private readonly file: RasterFile;
  private readonly name: string;
  private readonly bands: readonly number[];
  private readonly toFile: PixelTransform;
  private readonly fromFile: PixelTransform;
  /** File minus grid, where the two coincide pixel by pixel. */
  private readonly offset: readonly [columns: number, rows: number] | undefined;

  /**
   * @param name of the file, for messages. @param bands counted from 0.
   * @throws FormatError where a CRS is not understood.
   */
  constructor(file: RasterFile, name: string, grid: Grid, bands: readonly number[]) {
    this.file = file;
    this.name = name;
    this.bands = bands;
    const { crs, transform } = file;
    if (grid.crs === undefined || crs === undefined || transform === undefined) {
      this.toFile = (column, row) => [column, row];
      this.fromFile = this.toFile;
    } else {
      const [there, back] = [transformBetween(grid.crs, crs, name), transformBetween(crs, grid.crs, name)];
      this.toFile = (column, row) => toPixel(transform, ...there(...toGround(grid.transform, column, row)));
      this.fromFile = (column, row) => toPixel(grid.transform, ...back(...toGround(transform, column, row)));
    }
    this.offset = this.findOffset(grid);
  }

  /** Are samples taken as they are, or interpolated? */
  get isResampled(): boolean {
    return this.offset === undefined;
  }

  /** The part of the grid that the file reaches, at most; in pixels, not rounded. */
  coverage(): [minColumn: number, minRow: number, maxColumn: number, maxRow: number] {
    const { width, height } = this.file;
    const steps = Array.from({ length: 17 }, (_, i) => i / 16);
    const outline = steps.flatMap((t) => [
      this.fromFile(t * width, 0),
      this.fromFile(t * width, height),
      this.fromFile(0, t * height),
      this.fromFile(width, t * height),
    ]);
    const [columns, rows] = [outline.map(([column]) => column), outline.map(([, row]) => row)];
    return [Math.min(...columns), Math.min(...rows), Math.max(...columns), Math.max(...rows)];
  }

  /** Samples of the file that a window needs. */
  costOf(window: PixelWindow): number {
    const step = Math.max(CONTROL_STEP, Math.max(window.width, window.height) / 16); // an estimate needs no more points
    const needed = this.windowInFile(window, step);
    return needed ? needed.width * needed.height * this.bands.length : 0;
  }

  /**
   * The window as a raster; what the file does not reach is missing.
   *
   * @throws FormatError where the file is damaged, or so much finer than the grid that a window is too large to read.
   */
  async read(window: PixelWindow): Promise<Raster> {
    const needed = this.windowInFile(window);
    if (!needed) return this.nothing(window);
    const samples = needed.width * needed.height * this.bands.length;
    if (samples > MAX_SAMPLES) {
      throw new FormatError({
        ...{ action: 'resample', file: this.name },
        expected: `at most ${MAX_SAMPLES} samples for ${window.width} × ${window.height} pixels of the grid`,
        found: String(samples),
        remedy: 'Cut on the finer grid (--grid), or at a finer --resolution.',
      });
    }
    const part = await this.file.read(needed, [...this.bands]);
    if (this.offset) return this.place(part, window, needed);
    const linear = part.unit === 'dB' ? convertUnit(part, 'intensity', this.name) : part; // means are of power
    const resampled = this.resample(linear, window, needed);
    return part.unit === 'dB' ? convertUnit(resampled, 'dB', this.name) : resampled;
  }

  private findOffset({ width, height }: Grid): [number, number] | undefined {
    const shifts = [0, 0.5, 1].flatMap((u) =>
      [0, 0.5, 1].map((v) => {
        const [column, row] = this.toFile(u * width, v * height);
        return [column - u * width, row - v * height] as const;
      }),
    );
    const [columns, rows] = [Math.round(shifts[0]![0]), Math.round(shifts[0]![1])];
    const isSame = shifts.every(([c, r]) => Math.abs(c - columns) < SAME_GRID && Math.abs(r - rows) < SAME_GRID);
    return isSame ? [columns, rows] : undefined;
  }

  /** What must be read of the file; undefined where it does not reach the window. */
  private windowInFile(window: PixelWindow, step = CONTROL_STEP): PixelWindow | undefined {
    const { column, row, width, height } = window;
    if (this.offset) {
      const [dc, dr] = this.offset;
      return this.clipped(column + dc, row + dr, column + dc + width, row + dr + height);
    }
    const points = new ControlPoints(window, this.toFile, step);
    const [minX, minY, maxX, maxY] = points.bounds();
    if (![minX, minY, maxX, maxY].every(Number.isFinite)) return undefined;
    // A pixel beyond on each side, for interpolating.
    return this.clipped(Math.floor(minX) - 1, Math.floor(minY) - 1, Math.ceil(maxX) + 1, Math.ceil(maxY) + 1);
  }

  private clipped(left: number, top: number, right: number, bottom: number): PixelWindow | undefined {
    const [column, row] = [Math.max(left, 0), Math.max(top, 0)];
    const width = Math.min(right, this.file.width) - column;
    const height = Math.min(bottom, this.file.height) - row;
    return width > 0 && height > 0 ? { column, row, width, height } : undefined;
  }

  private nothing({ width, height }: PixelWindow): Raster {
    const bands = this.bands.length;
    const data = new Float32Array(width * height * bands).fill(Number.NaN);
    const noData = new Uint8Array(width * height).fill(1);
    return { data, width, height, bands, unit: this.file.unit ?? 'digital number', noData };
  }

  /** Samples as they are, at their places in the window. */
  private place(part: Raster, window: PixelWindow, read: PixelWindow): Raster {
    const [dc, dr] = this.offset!;
    const { bands } = part;
    const whole = { ...this.nothing(window), unit: part.unit };
    const left = read.column - dc - window.column;
    const top = read.row - dr - window.row;
    for (let row = 0; row < part.height; row++) {
      const to = (top + row) * window.width + left;
      const from = row * part.width;
      whole.data.set(part.data.subarray(from * bands, (from + part.width) * bands), to * bands);
      if (part.noData) whole.noData!.set(part.noData.subarray(from, from + part.width), to);
      else whole.noData!.fill(0, to, to + part.width);
    }
    return withoutEmptyMask(whole);
  }

  private resample(part: Raster, window: PixelWindow, read: PixelWindow): Raster {
    const points = new ControlPoints(window, this.toFile, CONTROL_STEP);
    const samples = Math.max(1, Math.round(points.scale()));
    const whole = { ...this.nothing(window), unit: part.unit };
    const sampler = new Sampler(part);
    const sums = new Float64Array(part.bands);
    for (let row = 0; row < window.height; row++) {
      for (let column = 0; column < window.width; column++) {
        sums.fill(0);
        let count = 0;
        for (let k = 0; k < samples * samples; k++) {
          const u = column + ((k % samples) + 0.5) / samples;
          const v = row + (Math.floor(k / samples) + 0.5) / samples;
          const [x, y] = points.at(u, v);
          count += sampler.addTo(sums, x - read.column, y - read.row);
        }
        if (count < (samples * samples) / 2) continue;
        const pixel = row * window.width + column;
        for (let band = 0; band < part.bands; band++) whole.data[pixel * part.bands + band] = sums[band]! / count;
        whole.noData![pixel] = 0;
      }
    }
    return withoutEmptyMask(whole);
  }
}

function withoutEmptyMask(raster: Raster): Raster {
  if (raster.noData?.includes(1)) return raster;
  const { noData: _, ...rest } = raster;
  return rest;
}

/** Adds up bilinear samples of a raster, passing over what is missing. */
class Sampler {
  private readonly raster: Raster;

  constructor(raster: Raster) {
    this.raster = raster;
  }

  /**
   * Adds the sample of each band at a point; x, y in pixels from the upper left corner of the first.
   * @returns 1, or 0 where the point is outside or nearer to missing samples than to others.
   */
  addTo(sums: Float64Array, x: number, y: number): 0 | 1 {
    const { data, width, height, bands, noData } = this.raster;
    if (!(x >= 0 && y >= 0 && x <= width && y <= height)) return 0;
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
      if (valid < 0.5) return 0;
    }
    for (let band = 0; band < bands; band++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) if (weights[k]! > 0) sum += weights[k]! * data[pixels[k]! * bands + band]!;
      sums[band]! += sum / valid;
    }
    return 1;
  }
}

const clamp = (value: number, max: number) => Math.min(Math.max(value, 0), max);

/** Pixels of a file for pixels of a window: exact on a coarse lattice, bilinear between. */
class ControlPoints {
  private readonly step: readonly [x: number, y: number];
  private readonly columns: number;
  private readonly rows: number;
  private readonly xs: Float64Array;
  private readonly ys: Float64Array;

  constructor({ column, row, width, height }: PixelWindow, toFile: PixelTransform, step: number) {
    this.columns = Math.ceil(width / step) + 1;
    this.rows = Math.ceil(height / step) + 1;
    this.step = [width / (this.columns - 1), height / (this.rows - 1)];
    this.xs = new Float64Array(this.columns * this.rows);
    this.ys = new Float64Array(this.columns * this.rows);
    for (let r = 0; r < this.rows; r++) {
      for (let c = 0; c < this.columns; c++) {
        const [x, y] = toFile(column + c * this.step[0], row + r * this.step[1]);
        this.xs[r * this.columns + c] = x;
        this.ys[r * this.columns + c] = y;
      }
    }
  }

  bounds(): [minX: number, minY: number, maxX: number, maxY: number] {
    const low = (values: Float64Array) => values.reduce((a, b) => Math.min(a, b));
    const high = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b));
    return [low(this.xs), low(this.ys), high(this.xs), high(this.ys)];
  }

  /** Pixels of the file along the side of a pixel of the window, in the middle. */
  scale(): number {
    const [c, r] = [Math.floor((this.columns - 2) / 2), Math.floor((this.rows - 2) / 2)];
    const [from, right, down] = [r * this.columns + c, r * this.columns + c + 1, (r + 1) * this.columns + c];
    const along = Math.hypot(this.xs[right]! - this.xs[from]!, this.ys[right]! - this.ys[from]!) / this.step[0];
    const across = Math.hypot(this.xs[down]! - this.xs[from]!, this.ys[down]! - this.ys[from]!) / this.step[1];
    return Math.sqrt(along * across);
  }

  /** @param u, v pixels from the upper left corner of the window. */
  at(u: number, v: number): [number, number] {
    const [gx, gy] = [u / this.step[0], v / this.step[1]];
    const c = Math.min(Math.floor(gx), this.columns - 2);
    const r = Math.min(Math.floor(gy), this.rows - 2);
    const [fx, fy] = [gx - c, gy - r];
    const i = r * this.columns + c;
    const between = (values: Float64Array) => {
      const upper = values[i]! + (values[i + 1]! - values[i]!) * fx;
      const lower = values[i + this.columns]! + (values[i + this.columns + 1]! - values[i + this.columns]!) * fx;
      return upper + (lower - upper) * fy;
    };
    return [between(this.xs), between(this.ys)];
  }
}
