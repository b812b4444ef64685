/** Counts the cost of mining, and reports the progress. */
import type { MiningCost } from '../strategy.ts';

export class Meter {
  private scored = 0;
  private cached = 0;
  private readonly total: number;
  private readonly start = performance.now();
  private readonly onProgress: ((pairs: number, total: number) => void) | undefined;

  /** @param total pairs expected. */
  constructor(total: number, onProgress?: (pairs: number, total: number) => void) {
    this.total = total;
    this.onProgress = onProgress;
  }

  addScored(pairs: number): void {
    this.scored += pairs;
    this.onProgress?.(this.scored + this.cached, this.total);
  }

  addCached(pairs: number): void {
    this.cached += pairs;
    this.onProgress?.(this.scored + this.cached, this.total);
  }

  cost(): MiningCost {
    return {
      pairsScored: this.scored,
      pairsCached: this.cached,
      seconds: (performance.now() - this.start) / 1000,
    };
  }
}
