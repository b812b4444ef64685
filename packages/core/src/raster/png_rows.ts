/**
 * Rows of a PNG from its inflated bytes: filters are undone, interlaced passes put in their places, samples of few bits
 * unpacked. (fast-png misreads interlaced ones of other than 8 bits, and small transparent ones.)
 *
 * W3C PNG, third edition, sections 7 to 9.
 */

export interface PngShape {
  width: number;
  height: number;
  /** Bits of a sample: 1, 2, 4, 8 or 16. */
  depth: number;
  /** Samples of a pixel. */
  samples: number;
  isInterlaced: boolean;
}

interface Pass {
  x: number;
  y: number;
  stepX: number;
  stepY: number;
}

const WHOLE: Pass = { x: 0, y: 0, stepX: 1, stepY: 1 };
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

interface SizedPass extends Pass {
  columns: number;
  rows: number;
  rowBytes: number;
}

/** Passes that hold pixels. */
function passesOf({ width, height, depth, samples, isInterlaced }: PngShape): SizedPass[] {
  return (isInterlaced ? ADAM7 : [WHOLE])
    .map((pass) => {
      const columns = Math.ceil((width - pass.x) / pass.stepX);
      const rows = Math.ceil((height - pass.y) / pass.stepY);
      return { ...pass, columns, rows, rowBytes: Math.ceil((columns * samples * depth) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Bytes that the rows take, each with a byte that names its filter. */
export const inflatedBytes = (shape: PngShape): number =>
  passesOf(shape).reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);

/** [height, width, samples], as stored. @throws Error for an unknown filter. */
export function readRows(bytes: Uint8Array, shape: PngShape): Uint8Array | Uint16Array {
  const { width, height, depth, samples } = shape;
  const output = depth === 16 ? new Uint16Array(width * height * samples) : new Uint8Array(width * height * samples);
  const pixelBytes = Math.max(1, (samples * depth) / 8);
  let at = 0;
  for (const { x, y, stepX, stepY, columns, rows, rowBytes } of passesOf(shape)) {
    let above = new Uint8Array(rowBytes);
    for (let row = 0; row < rows; row++) {
      const current = bytes.slice(at + 1, at + 1 + rowBytes);
      undoFilter(bytes[at]!, current, above, pixelBytes);
      const start = (y + row * stepY) * width + x;
      if (depth === 8 && stepX === 1) output.set(current, start * samples);
      else
        for (let i = 0; i < columns * samples; i++) {
          const pixel = start + Math.floor(i / samples) * stepX;
          output[pixel * samples + (i % samples)] = sampleAt(current, i, depth);
        }
      above = current;
      at += 1 + rowBytes;
    }
  }
  return output;
}

function sampleAt(row: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return row[i]!;
  if (depth === 16) return (row[2 * i]! << 8) | row[2 * i + 1]!;
  const bit = i * depth;
  return (row[bit >> 3]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
}

/** Adds the filter's prediction to each byte. @param step bytes of a pixel, at least 1. */
function undoFilter(filter: number, row: Uint8Array, above: Uint8Array, step: number): void {
  if (filter === 0) return;
  const predict = PREDICTORS[filter];
  if (!predict) throw new Error(`rows with the filter ${filter}`);
  for (let i = 0; i < row.length; i++) {
    const left = i < step ? 0 : row[i - step]!;
    const corner = i < step ? 0 : above[i - step]!;
    row[i]! += predict(left, above[i]!, corner);
  }
}

const PREDICTORS: Record<number, (left: number, above: number, corner: number) => number> = {
  1: (left) => left,
  2: (_, above) => above,
  3: (left, above) => (left + above) >> 1,
  4: paeth,
};

function paeth(left: number, above: number, corner: number): number {
  const [toLeft, toAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
