/** What mining costs, counted as it goes, and told to whoever waits. */
export interface MiningCost {
  pairsScored: number;
  /** Read from the cache instead. */
  pairsCached: number;
  seconds: number;
}

export class Meter {
  private scored = 0;
  private cached = 0;
  private readonly total: number;
  private readonly start = performance.now();
  private readonly onProgress: ((pairs: number, total: number) => void) | undefined;

  /** @param total pairs that are expected. */
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
