/**
 * What a patch shows at each scale: the detail that a level has over the next coarser one, and last the coarsest level
 * itself. P. Burt and E. Adelson, The Laplacian Pyramid as a Compact Image Code, IEEE Transactions on Communications, 1983.
 */

/** A square image. */
export interface Level {
  data: Float32Array;
  side: number;
}

/** Levels below so many pixels say nothing of 7 × 7 neighbourhoods. */
const SMALLEST = 16;
/** Binomial, of sum 16; its outer product with itself is the 5 × 5 filter. */
const TAPS = [1, 4, 6, 4, 1] as const;
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

function blur(data: Float32Array, side: number, gain: number): Float32Array {
  const rows = new Float32Array(data.length);
  const out = new Float32Array(data.length);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let t = -REACH; t <= REACH; t++) sum += TAPS[t + REACH]! * data[y * side + mirrored(x + t, side)]!;
      rows[y * side + x] = sum / 16;
    }
  }
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let t = -REACH; t <= REACH; t++) sum += TAPS[t + REACH]! * rows[mirrored(y + t, side) * side + x]!;
      out[y * side + x] = (sum * gain) / 16;
    }
  }
  return out;
}

/** About the outermost pixel, which is not repeated. */
function mirrored(position: number, side: number): number {
  if (position < 0) return -position;
  return position < side ? position : 2 * (side - 1) - position;
}
