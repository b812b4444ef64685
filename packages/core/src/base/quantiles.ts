/**
 * Quantiles of more numbers than fit into memory: a histogram over the bit patterns of float32, which need no
 * range beforehand. Numbers are distinguished by sign, exponent and the first 11 bits of the mantissa, so a quantile is
 * within 0.03 % of a number of the sample; minimum, maximum and mean are exact (but for rounding to float32).
 */

export interface Quantiles {
  /** Numbers in the sample. */
  count: number;
  mean: number;
  min: number;
  q05: number;
  q25: number;
  median: number;
  q75: number;
  q95: number;
  max: number;
}

const BITS = 20; // 1 sign, 8 exponent, 11 mantissa
const SHIFT = 32 - BITS;

export class QuantileSketch {
  private readonly counts = new Float64Array(2 ** BITS);
  private readonly float = new Float32Array(1);
  private readonly bits = new Uint32Array(this.float.buffer);
  private total = 0;
  private sum = 0;
  private min = Infinity;
  private max = -Infinity;

  get count(): number {
    return this.total;
  }

  /** Finite numbers only. */
  add(value: number): void {
    this.float[0] = value;
    const rounded = this.float[0];
    const bits = this.bits[0]!;
    // Turned so that the patterns are in the order of the numbers: negative ones are stored by magnitude.
    const ordered = bits & 0x80000000 ? ~bits >>> 0 : (bits | 0x80000000) >>> 0;
    this.counts[ordered >>> SHIFT]!++;
    this.total++;
    this.sum += rounded;
    if (rounded < this.min) this.min = rounded;
    if (rounded > this.max) this.max = rounded;
  }

  /** The numbers below which shares of the sample lie, by nearest rank; shares ascending. NaN for an empty sample. */
  quantiles(shares: readonly number[]): number[] {
    const found: number[] = [];
    let below = 0;
    for (let bin = 0; bin < this.counts.length && found.length < shares.length; bin++) {
      if (this.counts[bin] === 0) continue;
      below += this.counts[bin]!;
      const value = Math.min(Math.max(this.middleOf(bin), this.min), this.max);
      while (found.length < shares.length && below > Math.round(shares[found.length]! * (this.total - 1))) {
        found.push(value);
      }
    }
    return shares.map((_, i) => found[i] ?? Number.NaN);
  }

  /** Undefined for an empty sample. */
  summary(): Quantiles | undefined {
    if (this.total === 0) return undefined;
    const [q05, q25, median, q75, q95] = this.quantiles([0.05, 0.25, 0.5, 0.75, 0.95]) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const mean = this.sum / this.total;
    return { count: this.total, mean, min: this.min, q05, q25, median, q75, q95, max: this.max };
  }

  private middleOf(bin: number): number {
    const ordered = ((bin << SHIFT) | (1 << (SHIFT - 1))) >>> 0;
    this.bits[0] = ordered & 0x80000000 ? (ordered & 0x7fffffff) >>> 0 : ~ordered >>> 0;
    return this.float[0]!;
  }
}
