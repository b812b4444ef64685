/**
 * Resamples the stored samples of a file to a grid, window by window, by a kernel; blocks of the file are decoded once and
 * kept up to a limit. Missing pixels never mix into valid ones.
 *
 * Cubic convolution of Keys (1981) with a = −1/2; Lanczos' windowed sinc of three lobes. Where the grid is coarser than the
 * file the kernel is as much wider, so that nothing aliases.
 */
import { ControlPoints } from '../../geo/control_points.ts';
import type { Grid } from '../../geo/grid.ts';
import { type GroundLink, linkGround } from '../../geo/ground_link.ts';
import type { Located, PlacedFile } from '../../geo/place.ts';
import { BlockCache } from '../../raster/block_cache.ts';
import type { WindowSamples } from '../../raster/cog_writer.ts';
import type { Raster } from '../../raster/raster.ts';
import type { RasterWindow } from '../../raster/window.ts';
import { WindowReader } from '../../raster/window_reader.ts';

export const RESAMPLINGS = ['nearest', 'bicubic', 'lanczos'] as const;
export type Resampling = (typeof RESAMPLINGS)[number];

interface Kernel {
  /** Half width in pixels. */
  radius: number;
  /** @param t distance in pixels. */
  weight(t: number): number;
}

const KERNELS: Record<Exclude<Resampling, 'nearest'>, Kernel> = {
  bicubic: {
    radius: 2,
    weight(t) {
      const s = Math.abs(t);
      if (s <= 1) return (1.5 * s - 2.5) * s * s + 1;
      return s < 2 ? ((-0.5 * s + 2.5) * s - 4) * s + 2 : 0;
    },
  },
  lanczos: {
    radius: 3,
    weight(t) {
      if (Math.abs(t) < 1e-9) return 1;
      if (Math.abs(t) >= 3) return 0;
      const x = Math.PI * t;
      return (3 * Math.sin(x) * Math.sin(x / 3)) / (x * x);
    },
  },
};

/** Pixels between points of exact coordinates. */
const STEP = 16;
/** Samples of the file for one part of a window; a window that needs more is made in four parts. */
const MAX_SAMPLES = 2 ** 24;
/** Bytes of decoded blocks that are kept. */
const CACHE_BYTES = 384 * 2 ** 20;

export class Resampler {
  private readonly link: GroundLink;
  private readonly reader: WindowReader;
  private readonly bands: readonly number[];
  private readonly kernel: Kernel | undefined;
  private readonly size: { width: number; height: number };

  /** @param place of the file, after its correction. @param name of the file, for messages. */
  constructor(file: PlacedFile, place: Located, grid: Grid, bands: readonly number[], how: Resampling, name: string) {
    this.link = linkGround(grid, place, name);
    this.bands = bands;
    this.kernel = how === 'nearest' ? undefined : KERNELS[how];
    this.size = { width: file.width, height: file.height };
    this.reader = storedReader(file, bands);
  }

  /** Samples of a window of the grid; pixels outside the file are missing. */
  async read(window: RasterWindow): Promise<WindowSamples> {
    const output = {
      data: new Float32Array(window.width * window.height * this.bands.length),
      missing: filled(window),
    };
    await this.fill(window, window, output);
    return output;
  }

  /** Fills a part of a window. */
  private async fill(part: RasterWindow, window: RasterWindow, output: Required<WindowSamples>): Promise<void> {
    const points = await ControlPoints.of(part, this.link.toFile, STEP);
    const spread = Math.max(1, points.scale());
    const source = this.sourceOf(points, spread);
    if (!source) return;
    if (source.width * source.height * this.bands.length > MAX_SAMPLES && part.width * part.height > 1) {
      for (const quarter of quartersOf(part)) await this.fill(quarter, window, output);
      return;
    }
    const raster = await this.reader.read(source);
    const sampler = new Sampler(raster, source, this.size, this.kernel, spread);
    for (let row = 0; row < part.height; row++) {
      for (let column = 0; column < part.width; column++) {
        const [x, y] = points.at(column + 0.5, row + 0.5);
        const pixel = (part.row - window.row + row) * window.width + part.column - window.column + column;
        if (sampler.take(x, y, output.data, pixel * this.bands.length)) output.missing![pixel] = 0;
      }
    }
  }

  /** Part of the file that a window needs; undefined where it needs none. */
  private sourceOf(points: ControlPoints, spread: number): RasterWindow | undefined {
    const bounds = points.bounds();
    if (!bounds) return undefined;
    const margin = Math.ceil((this.kernel?.radius ?? 0) * spread) + 1;
    const [left, top] = [Math.max(0, Math.floor(bounds[0]) - margin), Math.max(0, Math.floor(bounds[1]) - margin)];
    const right = Math.min(this.size.width, Math.ceil(bounds[2]) + margin);
    const bottom = Math.min(this.size.height, Math.ceil(bounds[3]) + margin);
    return right > left && bottom > top
      ? { column: left, row: top, width: right - left, height: bottom - top }
      : undefined;
  }
}

const filled = ({ width, height }: RasterWindow) => new Uint8Array(width * height).fill(1);

/** Reader of samples as stored, whose cache is its own. */
export function storedReader(file: PlacedFile, bands: readonly number[]): WindowReader {
  const open = async () => ({ ...file, read: file.readStored });
  const source = { width: file.width, height: file.height, bands, unit: 'digital number', open } as const;
  return new WindowReader(source, new BlockCache({ maxBytes: CACHE_BYTES }));
}

function quartersOf({ column, row, width, height }: RasterWindow): RasterWindow[] {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const parts = [
    { column, row, width: w, height: h },
    { column: column + w, row, width: width - w, height: h },
    { column, row: row + h, width: w, height: height - h },
    { column: column + w, row: row + h, width: width - w, height: height - h },
  ];
  return parts.filter((part) => part.width > 0 && part.height > 0);
}

/** Samples of one part of the file, at any point. */
class Sampler {
  private readonly raster: Raster;
  private readonly source: RasterWindow;
  private readonly file: { width: number; height: number };
  private readonly kernel: Kernel | undefined;
  private readonly spread: number;
  private readonly columns: Int32Array;
  private readonly rows: Int32Array;
  private readonly across: Float64Array;
  private readonly down: Float64Array;

  constructor(
    raster: Raster,
    source: RasterWindow,
    file: { width: number; height: number },
    kernel: Kernel | undefined,
    spread: number,
  ) {
    this.raster = raster;
    this.source = source;
    this.file = file;
    this.kernel = kernel;
    this.spread = spread;
    const taps = 2 * Math.ceil((kernel?.radius ?? 1) * spread) + 1;
    this.columns = new Int32Array(taps);
    this.rows = new Int32Array(taps);
    this.across = new Float64Array(taps);
    this.down = new Float64Array(taps);
  }

  /** Writes the samples at a point in pixels of the file. @returns false where it is outside or shows a missing pixel. */
  take(x: number, y: number, output: Float32Array, at: number): boolean {
    if (!(x >= 0 && y >= 0 && x <= this.file.width && y <= this.file.height)) return false;
    const { width, height, noData, bands, data } = this.raster;
    const [u, v] = [x - this.source.column, y - this.source.row];
    const nearest = clamp(Math.floor(v), height - 1) * width + clamp(Math.floor(u), width - 1);
    if (noData?.[nearest]) return false;
    if (!this.kernel) {
      for (let band = 0; band < bands; band++) output[at + band] = data[nearest * bands + band]!;
      return true;
    }
    const across = this.weigh(u - 0.5, width, this.columns, this.across);
    const down = this.weigh(v - 0.5, height, this.rows, this.down);
    if (noData && this.meetsMissing(across, down)) this.bilinear(u - 0.5, v - 0.5, output, at);
    else this.convolve(across, down, u, v, output, at);
    return true;
  }

  /** Taps around a position, repeated at the edge of the file, and their weights, of sum 1. @returns how many. */
  private weigh(position: number, end: number, taps: Int32Array, weights: Float64Array): number {
    const reach = this.kernel!.radius * this.spread;
    const first = Math.ceil(position - reach);
    const count = Math.min(Math.floor(position + reach) - first + 1, taps.length);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      taps[i] = clamp(first + i, end - 1);
      weights[i] = this.kernel!.weight((first + i - position) / this.spread);
      sum += weights[i]!;
    }
    for (let i = 0; i < count; i++) weights[i]! /= sum;
    return count;
  }

  private meetsMissing(across: number, down: number): boolean {
    const { width, noData } = this.raster;
    for (let j = 0; j < down; j++) {
      const row = this.rows[j]! * width;
      for (let i = 0; i < across; i++) if (noData![row + this.columns[i]!]) return true;
    }
    return false;
  }

  private convolve(across: number, down: number, u: number, v: number, output: Float32Array, at: number): void {
    const { columns, rows, across: along, down: weights } = this;
    const { width, bands, data } = this.raster;
    let isBelow = false;
    for (let band = 0; band < bands; band++) {
      let sum = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let j = 0; j < down; j++) {
        const row = rows[j]! * width;
        let line = 0;
        for (let i = 0; i < across; i++) {
          const sample = data[(row + columns[i]!) * bands + band]!;
          line += along[i]! * sample;
          if (sample < least) least = sample;
        }
        sum += weights[j]! * line;
      }
      output[at + band] = sum;
      if (sum <= 0 && least >= 0) isBelow = true;
    }
    // Power and reflectance are never negative: where the kernel overshoots below zero, no lobe is wanted.
    if (isBelow) this.bilinear(u - 0.5, v - 0.5, output, at);
  }

  /** Mean of the valid ones of the four pixels around a position, by their nearness. */
  private bilinear(x: number, y: number, output: Float32Array, at: number): void {
    const { width, height, bands, data, noData } = this.raster;
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    output.fill(0, at, at + bands);
    let sum = 0;
    for (let k = 0; k < 4; k++) {
      const [dx, dy] = [k & 1, k >> 1];
      const pixel = clamp(y0 + dy, height - 1) * width + clamp(x0 + dx, width - 1);
      const weight = (dx ? x - x0 : 1 - x + x0) * (dy ? y - y0 : 1 - y + y0);
      if (weight === 0 || noData?.[pixel]) continue;
      sum += weight;
      for (let band = 0; band < bands; band++) output[at + band]! += weight * data[pixel * bands + band]!;
    }
    for (let band = 0; band < bands; band++) output[at + band]! /= sum;
  }
}

const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most);
