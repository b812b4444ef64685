/**
 * Whether a generator has learned patches by heart: the distance of each made patch to the nearest training patch, beside
 * the same for real patches that it never saw. Made patches that are much nearer than those were copied.
 */
import { quantile } from '../../base/quantile.ts';
import type { FeatureRows } from './kernel_distance.ts';

/** Numbers that are added up before it is asked whether the row can still be the nearest. */
const CHUNK = 32;
/** A real patch is so near to a training patch, or nearer, by chance: per cent. */
const NEAR = 1;

/** The nearest of many rows, which are shown block by block. Distances are root mean squares over the numbers of a row. */
export class NearestSearch {
  private readonly queries: FeatureRows;
  private readonly squares: Float64Array;
  /** Number of the nearest row, as it was added; −1 before any. */
  readonly rows: Int32Array;

  constructor(queries: FeatureRows) {
    this.queries = queries;
    this.squares = new Float64Array(queries.count).fill(Number.POSITIVE_INFINITY);
    this.rows = new Int32Array(queries.count).fill(-1);
  }

  /** @param numbers of the block's rows. */
  add(block: FeatureRows, numbers: readonly number[]): void {
    for (let query = 0; query < this.queries.count; query++) {
      for (let row = 0; row < block.count; row++) {
        const square = this.square(query, block, row);
        if (square >= this.squares[query]!) continue;
        this.squares[query] = square;
        this.rows[query] = numbers[row]!;
      }
    }
  }

  get distances(): Float64Array {
    return this.squares.map((square) => Math.sqrt(square / this.queries.width));
  }

  /** Stops early, with too small a sum, where the row cannot be the nearest. */
  private square(query: number, block: FeatureRows, row: number): number {
    const { data, width } = this.queries;
    const [startA, startB, limit] = [query * width, row * width, this.squares[query]!];
    let sum = 0;
    for (let from = 0; from < width; from += CHUNK) {
      const to = Math.min(from + CHUNK, width);
      for (let k = from; k < to; k++) sum += (data[startA + k]! - block.data[startB + k]!) ** 2;
      if (sum >= limit) return sum;
    }
    return sum;
  }
}

export interface NearestSummary {
  min: number;
  median: number;
}

export interface Memorisation {
  generated: NearestSummary;
  /** Distances of held-out real patches to the same training patches. */
  real: NearestSummary;
  /** Median over median; well below 1 where patches are copied, or lack what makes real ones differ. */
  ratio: number | null;
  /** Share of the made patches that are nearer than 99 in 100 real ones: about 0.01 where nothing is copied. */
  closer: number;
  /** Share that are nearer than half of that: copies, but for some noise. */
  copies: number;
}

/** @param generated, real distances to the nearest training patch, as many of each. */
export function memorisation(generated: Float64Array, real: Float64Array): Memorisation {
  const [made, held] = [generated.toSorted(), real.toSorted()];
  const near = quantile(held, NEAR / 100);
  const share = (limit: number) =>
    made.reduce((count, distance) => count + (distance < limit ? 1 : 0), 0) / made.length;
  const summary = (sorted: Float64Array) => ({ min: sorted[0]!, median: quantile(sorted, 0.5) });
  const [a, b] = [summary(made), summary(held)];
  return {
    generated: a,
    real: b,
    ratio: b.median > 0 ? a.median / b.median : null,
    closer: share(near),
    copies: share(near / 2),
  };
}
