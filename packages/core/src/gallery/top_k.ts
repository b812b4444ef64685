/**
 * Keeps the k highest of scores that come block by block, in a heap whose root is the worst that is kept: a million scores
 * cost a comparison each. Equal scores keep the order of their indices, so that a search repeats.
 */
import { NonFiniteError } from '../errors.ts';

export interface Ranked {
  index: number;
  score: number;
}

export class TopK {
  private readonly k: number;
  /** Binary heap: a parent is never better than its children. */
  private readonly heap: Ranked[] = [];

  constructor(k: number) {
    this.k = k;
  }

  /**
   * Takes a block of scores; −∞ is never kept.
   *
   * @param first index of the first score. @param isAllowed leaves out indices that must not be found.
   * @throws NonFiniteError if a score is NaN: a descriptor is not finite.
   */
  add(scores: ArrayLike<number>, first: number, isAllowed: (index: number) => boolean = () => true): void {
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (score <= this.bar()) continue; // false for NaN
      if (Number.isNaN(score)) throw notFinite(first + i);
      if (isAllowed(first + i)) this.keep({ index: first + i, score });
    }
  }

  /** Entries from the best to the worst. */
  list(): Ranked[] {
    return [...this.heap].sort((a, b) => (isWorse(a, b) ? 1 : -1));
  }

  /** Score that a later entry must exceed. */
  private bar(): number {
    return this.heap.length < this.k ? Number.NEGATIVE_INFINITY : (this.heap[0]?.score ?? Number.POSITIVE_INFINITY);
  }

  private keep(entry: Ranked): void {
    const { heap } = this;
    if (heap.length < this.k) {
      heap.push(entry);
      this.rise(heap.length - 1);
    } else if (heap.length > 0 && isWorse(heap[0]!, entry)) {
      heap[0] = entry;
      this.sink(0);
    }
  }

  private rise(at: number): void {
    for (let child = at; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!isWorse(this.heap[child]!, this.heap[parent]!)) return;
      this.swap(child, parent);
      child = parent;
    }
  }

  private sink(at: number): void {
    for (let parent = at; ; ) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let worst = parent;
      for (const child of [left, right]) {
        if (child < this.heap.length && isWorse(this.heap[child]!, this.heap[worst]!)) worst = child;
      }
      if (worst === parent) return;
      this.swap(parent, worst);
      parent = worst;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}

/** True if `a` comes after `b` in a ranking. */
const isWorse = (a: Ranked, b: Ranked) => a.score < b.score || (a.score === b.score && a.index > b.index);

const notFinite = (index: number) =>
  new NonFiniteError({
    action: 'compare the patch with the gallery',
    expected: 'finite descriptors',
    found: `NaN at tile ${index}`,
    remedy: 'Check the patch; if others fail, too, build the gallery again.',
  });
