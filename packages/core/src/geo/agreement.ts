/**
 * Checks that two patches paired by their names lie on the same ground, pixel by pixel.
 */
import type { PixelWindow } from './grid.ts';
import { linkGround } from './ground_link.ts';
import type { Point } from './pixel_map.ts';
import { type Located, mapOf } from './place.ts';
import { shiftDoubts } from './reference_system.ts';

export interface Cut {
  file: Located;
  /** The patch, in pixels of the file. */
  window: PixelWindow;
}

export interface Agreement {
  /** True if their georeferences place them on different ground. */
  contradicts: boolean;
  /** Assumptions made, as sentences without full stop. */
  guesses: string[];
}

/** Maximum misfit of corners in pixels, and as a share of the side: pairs are co-registered to a few pixels. */
const [FEW, SHARE] = [2, 1 / 16];
/** Pixels below which a difference is rounding. */
const ROUNDING = 0.5;

/** @param name of the first, for messages. @throws FormatError where a reference system is not understood. */
export function agreement(first: Cut, second: Cut, name: string): Agreement {
  const [isPlaced, isOtherPlaced] = [first, second].map(
    ({ file }) => file.crs !== undefined && mapOf(file) !== undefined,
  );
  if (isPlaced !== isOtherPlaced) {
    const other = unnamedMisfit(first, second); // of one system, if the other is none
    if (other !== undefined && !(other <= limitOf(first))) return { contradicts: true, guesses: [] };
    return agreed('only one of the two says where it lies: the other is taken to lie there, too');
  }
  const off = isPlaced ? misfit(first, second, name) : unnamedMisfit(first, second);
  if (off === undefined) return agreed();
  if (!(off <= limitOf(first))) return { contradicts: true, guesses: [] };
  const doubts = isPlaced ? shiftDoubts(first.file.crs!, second.file.crs!, [name, name]) : [];
  if (off <= ROUNDING) return agreed(...doubts);
  return agreed(...doubts, `the places of the two differ by up to ${Math.ceil(off)} pixels, which is passed over`);
}

const limitOf = ({ window }: Cut) => Math.max(FEW, window.width * SHARE);

const agreed = (...guesses: string[]): Agreement => ({ contradicts: false, guesses });

/** Largest distance between corresponding corners, in pixels of the second; NaN if one cannot be projected. */
function misfit(first: Cut, second: Cut, name: string): number {
  const { crs, width, height } = first.file;
  const link = linkGround(
    { ...(crs !== undefined && { crs }), map: mapOf(first.file)!, width, height },
    second.file,
    name,
  );
  return largest(first, second, (column, row, near) => link.toFile(column, row, near));
}

/** The same for patches with coordinates in a system that neither names. */
function unnamedMisfit(first: Cut, second: Cut): number | undefined {
  const [from, to] = [mapOf(first.file), mapOf(second.file)];
  if (!from || !to) return undefined;
  return largest(first, second, (column, row) => to.toPixel(...from.toGround(column, row)));
}

function largest(first: Cut, second: Cut, toSecond: (column: number, row: number, near: Point) => Point): number {
  const corners = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ] as const;
  const distances = corners.map(([u, v]) => {
    const at = ({ window }: Cut): Point => [window.column + u * window.width, window.row + v * window.height];
    const [x, y] = at(second);
    const [foundX, foundY] = toSecond(...at(first), [x, y]);
    return Math.hypot(foundX - x, foundY - y);
  });
  return distances.some(Number.isNaN) ? Number.NaN : Math.max(...distances);
}
