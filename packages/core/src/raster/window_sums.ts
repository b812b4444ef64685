/**
 * Sums over a square window around each pixel, at a cost that does not depend on the window. They are added up from
 * sums over blocks and nothing is ever subtracted (the scheme of van Herk, A fast algorithm for local minimum and
 * maximum filters, 1992, with sums): a running sum that subtracts the samples leaving the window would keep the
 * rounding error of one bright scatterer, which can exceed all dark samples after it.
 */

/**
 * @param values [height, width]. @param radius the window is 2·radius + 1 pixels wide.
 * @returns [height, width]: sums over the part of the window that lies inside.
 */
export function windowSums(values: Float64Array, width: number, height: number, radius: number): Float64Array {
  const sums = new Float64Array(values.length);
  const rows = new LineSums(width, radius);
  for (let row = 0; row < height; row++) rows.run(values, sums, row * width, 1);
  const columns = new LineSums(height, radius);
  for (let column = 0; column < width; column++) columns.run(sums, sums, column, width);
  return sums;
}

class LineSums {
  private readonly length: number;
  private readonly radius: number;
  /** The line with `radius` zeros before and after. */
  private readonly padded: Float64Array;
  /** Sums from the start of the block to each element; `suffix`: from each element to the end of the block. */
  private readonly prefix: Float64Array;
  private readonly suffix: Float64Array;

  constructor(length: number, radius: number) {
    this.length = length;
    this.radius = Math.min(radius, Math.max(length - 1, 0)); // a wider window holds no more
    this.padded = new Float64Array(length + 2 * this.radius);
    this.prefix = new Float64Array(this.padded.length);
    this.suffix = new Float64Array(this.padded.length);
  }

  /** Element k of the line is at offset + k·stride, in both arrays. */
  run(from: Float64Array, to: Float64Array, offset: number, stride: number): void {
    const { length, radius, padded, prefix, suffix } = this;
    const block = 2 * radius + 1;
    for (let k = 0; k < length; k++) padded[radius + k] = from[offset + k * stride]!;
    for (let k = 0; k < padded.length; k++) prefix[k] = (k % block === 0 ? 0 : prefix[k - 1]!) + padded[k]!;
    for (let k = padded.length - 1; k >= 0; k--) {
      const isEnd = k % block === block - 1 || k === padded.length - 1;
      suffix[k] = (isEnd ? 0 : suffix[k + 1]!) + padded[k]!;
    }
    // A window is the end of one block and the start of the next, or just one block.
    for (let k = 0; k < length; k++) {
      to[offset + k * stride] = k % block === 0 ? suffix[k]! : suffix[k]! + prefix[k + block - 1]!;
    }
  }
}
