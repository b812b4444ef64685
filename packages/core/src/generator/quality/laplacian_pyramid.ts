/**
 * Laplacian pyramid of a patch: the detail of each level over the next coarser one, and last the coarsest level itself.
 * P. Burt and E. Adelson, The Laplacian Pyramid as a Compact Image Code, IEEE Transactions on Communications, 1983.
 */

/** A square image. */
export interface Level {
  data: Float32Array;
  side: number;
}

/** Side in pixels below which levels say nothing of 7 × 7 neighbourhoods. */
const SMALLEST = 16;
/** Half of a binomial filter of five taps, of sum 16; its outer product with itself is the 5 × 5 filter. */
const TAPS = [1, 4, 6] as const;
const REACH = 2;

/** 64 → [64, 32, 16]; halved as long as that leaves whole pixels and at least 16. */
export function pyramidSides(side: number): number[] {
  const sides = [side];
  for (let next = side / 2; Number.isInteger(next) && next >= SMALLEST; next /= 2) sides.push(next);
  return sides;
}

/** The finest level first. Borders are mirrored. @param image side · side samples, row by row. */
export function laplacianPyramid(image: ArrayLike<number>, side: number): Level[] {
  const sides = pyramidSides(side);
  let level: Level = { data: Float32Array.from(image), side };
  const levels: Level[] = [];
  for (let i = 1; i < sides.length; i++) {
    const coarser = reduce(level);
    const smooth = expand(coarser);
    levels.push({ data: level.data.map((value, k) => value - smooth.data[k]!), side: level.side });
    level = coarser;
  }
  return [...levels, level];
}

/** Smoothed, every other pixel of every other row. */
function reduce({ data, side }: Level): Level {
  const smooth = blur(data, side, 1);
  const half = side / 2;
  const out = new Float32Array(half * half);
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) out[y * half + x] = smooth[2 * y * side + 2 * x]!;
  }
  return { data: out, side: half };
}

/** Twice as large: zeros between the pixels, smoothed with four times the weight. */
function expand({ data, side }: Level): Level {
  const double = side * 2;
  const sparse = new Float32Array(double * double);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) sparse[2 * y * double + 2 * x] = data[y * side + x]!;
  }
  return { data: blur(sparse, double, 4), side: double };
}

/** Rows first, then columns. */
function blur(data: Float32Array, side: number, gain: number): Float32Array {
  const rows = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  const near = Int32Array.from({ length: side + 2 * REACH }, (_, i) => mirrored(i - REACH, side));
  const [outer, inner, centre] = TAPS.map((tap) => tap / 16) as [number, number, number];
  for (let y = 0; y < side; y++) {
    const row = y * side;
    for (let x = 0; x < side; x++) {
      rows[row + x] =
        outer * (data[row + near[x]!]! + data[row + near[x + 4]!]!) +
        inner * (data[row + near[x + 1]!]! + data[row + near[x + 3]!]!) +
        centre * data[row + x]!;
    }
  }
  for (let y = 0; y < side; y++) {
    const [a, b, c, d] = [near[y]! * side, near[y + 1]! * side, near[y + 3]! * side, near[y + 4]! * side];
    for (let x = 0; x < side; x++) {
      const sum =
        outer * (rows[a + x]! + rows[d + x]!) + inner * (rows[b + x]! + rows[c + x]!) + centre * rows[y * side + x]!;
      out[y * side + x] = gain * sum;
    }
  }
  return out;
}

/** About the outermost pixel, which is not repeated. */
function mirrored(position: number, side: number): number {
  if (position < 0) return -position;
  return position < side ? position : 2 * (side - 1) - position;
}
