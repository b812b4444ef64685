/**
 * Maps the pixels of a window to pixels of a file: exactly on a coarse lattice and bilinearly between, where the map is
 * straight enough. Elsewhere (around a pole, at the edge of a projection's domain) every pixel is computed.
 */
import { pacer } from '../base/pause.ts';
import type { PixelWindow } from './grid.ts';
import type { Point } from './pixel_map.ts';

/**
 * File pixel of a window pixel; NaN outside its domain. @param near selects the turn round the Earth: the nearest to
 * it.
 */
export type ToFile = (column: number, row: number, near?: Point) => Point;

/** Maximum error in file pixels at the middle of a straight cell. */
const STRAIGHT = 0.1;
/** Points along the side of a cell that is not straight, for its bounds. */
const BENT_STEPS = 8;

export class ControlPoints {
  private readonly window: PixelWindow;
  private readonly toFile: ToFile;
  private readonly step: readonly [x: number, y: number];
  private readonly columns: number;
  private readonly rows: number;
  private readonly xs: Float64Array;
  private readonly ys: Float64Array;
  /** Flags of cells: 1 where every pixel is computed. */
  private readonly isBent: Uint8Array;
  private readonly box = new Box();

  private constructor(window: PixelWindow, toFile: ToFile, step: number) {
    this.window = window;
    this.toFile = toFile;
    this.columns = Math.max(2, Math.ceil(window.width / step) + 1);
    this.rows = Math.max(2, Math.ceil(window.height / step) + 1);
    this.step = [window.width / (this.columns - 1), window.height / (this.rows - 1)];
    this.xs = new Float64Array(this.columns * this.rows);
    this.ys = new Float64Array(this.columns * this.rows);
    this.isBent = new Uint8Array((this.columns - 1) * (this.rows - 1));
  }

  /** @param step pixels between points of the lattice, at most. @throws the signal's reason when it is aborted. */
  static async of(window: PixelWindow, toFile: ToFile, step: number, signal?: AbortSignal): Promise<ControlPoints> {
    const points = new ControlPoints(window, toFile, step);
    const pace = pacer(signal);
    for (const _ of points.fill()) {
      const rest = pace();
      if (rest) await rest;
    }
    return points;
  }

  /** The same at once, for a few points. */
  static now(window: PixelWindow, toFile: ToFile, step: number): ControlPoints {
    const points = new ControlPoints(window, toFile, step);
    for (const _ of points.fill());
    return points;
  }

  /** Computes points, cells and bounds, a little in each turn. */
  private *fill(): Generator<void> {
    for (let i = 0; i < this.xs.length; i++) {
      this.fillPoint(i);
      this.box.add(this.xs[i]!, this.ys[i]!);
      if (i % this.columns === 0) yield;
    }
    for (let cell = 0; cell < this.isBent.length; cell++) {
      this.isBent[cell] = this.bends(cell) ? 1 : 0;
      if (this.isBent[cell]) this.addBent(cell, this.box);
      if (this.isBent[cell] || cell % this.columns === 0) yield;
    }
  }

  /** Bounds of all pixels of the window, in pixels of the file; undefined where the file has none of its places. */
  bounds(): [minX: number, minY: number, maxX: number, maxY: number] | undefined {
    const { box } = this;
    return box.isEmpty ? undefined : [box.minX, box.minY, box.maxX, box.maxY];
  }

  /** Pixels of the file along the side of a pixel of the window, in the straight cell nearest to the middle. */
  scale(): number {
    const across = this.columns - 1;
    const middle = Math.floor((this.rows - 2) / 2) * across + Math.floor((this.columns - 2) / 2);
    const straight = [...this.isBent.keys()].filter((cell) => !this.isBent[cell]);
    const distance = (cell: number) =>
      Math.hypot((cell % across) - (middle % across), Math.floor(cell / across) - Math.floor(middle / across));
    const cell = straight.reduce((best, each) => (distance(each) < distance(best) ? each : best), straight[0] ?? -1);
    if (cell < 0) return 1;
    const from = this.cornerOf(cell);
    const [right, down] = [from + 1, from + this.columns];
    const along = Math.hypot(this.xs[right]! - this.xs[from]!, this.ys[right]! - this.ys[from]!) / this.step[0];
    const upright = Math.hypot(this.xs[down]! - this.xs[from]!, this.ys[down]! - this.ys[from]!) / this.step[1];
    return Math.sqrt(along * upright);
  }

  /** @param u, v pixels from the upper left corner of the window. */
  at(u: number, v: number): Point {
    const [gx, gy] = [u / this.step[0], v / this.step[1]];
    const c = Math.min(Math.floor(gx), this.columns - 2);
    const r = Math.min(Math.floor(gy), this.rows - 2);
    if (this.isBent[r * (this.columns - 1) + c]) return this.exact(u, v, r * this.columns + c);
    return this.between(r * this.columns + c, gx - c, gy - r);
  }

  private fillPoint(i: number): void {
    const before = i % this.columns === 0 ? i - this.columns : i - 1;
    const [u, v] = [(i % this.columns) * this.step[0], Math.floor(i / this.columns) * this.step[1]];
    const [x, y] = this.exact(u, v, before);
    this.xs[i] = x;
    this.ys[i] = y;
  }

  /** @param near point of the lattice. */
  private exact(u: number, v: number, near: number): Point {
    const [x, y] = [this.xs[near] ?? Number.NaN, this.ys[near] ?? Number.NaN];
    return this.toFile(this.window.column + u, this.window.row + v, Number.isFinite(x) ? [x, y] : undefined);
  }

  private cornerOf(cell: number): number {
    return Math.floor(cell / (this.columns - 1)) * this.columns + (cell % (this.columns - 1));
  }

  private bends(cell: number): boolean {
    const corner = this.cornerOf(cell);
    const [c, r] = [corner % this.columns, Math.floor(corner / this.columns)];
    const [x, y] = this.between(corner, 0.5, 0.5);
    const [exactX, exactY] = this.exact((c + 0.5) * this.step[0], (r + 0.5) * this.step[1], corner);
    return !(Math.abs(x - exactX) < STRAIGHT && Math.abs(y - exactY) < STRAIGHT); // also where one is NaN
  }

  private addBent(cell: number, box: Box): void {
    const corner = this.cornerOf(cell);
    const [left, top] = [(corner % this.columns) * this.step[0], Math.floor(corner / this.columns) * this.step[1]];
    let [jumpX, jumpY] = [0, 0];
    const inside = new Box();
    for (let j = 0; j <= BENT_STEPS; j++) {
      let before: Point | undefined;
      for (let i = 0; i <= BENT_STEPS; i++) {
        const u = left + (i / BENT_STEPS) * this.step[0];
        const point = this.exact(u, top + (j / BENT_STEPS) * this.step[1], corner);
        inside.add(...point);
        if (before && Number.isFinite(point[0]) && Number.isFinite(before[0])) {
          jumpX = Math.max(jumpX, Math.abs(point[0] - before[0]));
          jumpY = Math.max(jumpY, Math.abs(point[1] - before[1]));
        }
        before = point;
      }
    }
    if (inside.isEmpty) return;
    // Pixels between the points lie at most a step further out.
    box.add(inside.minX - jumpX, inside.minY - jumpY);
    box.add(inside.maxX + jumpX, inside.maxY + jumpY);
  }

  /** @param i upper left point of a cell. */
  private between(i: number, fx: number, fy: number): Point {
    const at = (values: Float64Array) => {
      const upper = values[i]! + (values[i + 1]! - values[i]!) * fx;
      const lower = values[i + this.columns]! + (values[i + this.columns + 1]! - values[i + this.columns]!) * fx;
      return upper + (lower - upper) * fy;
    };
    return [at(this.xs), at(this.ys)];
  }
}

class Box {
  minX = Number.POSITIVE_INFINITY;
  minY = Number.POSITIVE_INFINITY;
  maxX = Number.NEGATIVE_INFINITY;
  maxY = Number.NEGATIVE_INFINITY;

  get isEmpty(): boolean {
    return this.minX > this.maxX;
  }

  add(x: number, y: number): void {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    this.minX = Math.min(this.minX, x);
    this.minY = Math.min(this.minY, y);
    this.maxX = Math.max(this.maxX, x);
    this.maxY = Math.max(this.maxY, y);
  }
}
