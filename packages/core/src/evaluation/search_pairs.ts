/**
 * The searches behind recall@k: some optical patches of a split as anchors, and for each its true SAR patch among
 * others that the guard by place allows. All anchors have the same number of candidates, so that their recall@k is
 * comparable.
 */
import { Rng } from '../base/random.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';

export interface SearchOptions {
  /** Candidates for each anchor, the true one included. */
  candidates: number;
  /** Largest number of anchors drawn; 0: no search. */
  anchors: number;
  seed: number;
}

export interface DrawnSearch {
  /** Record whose optical patch is the query. */
  anchor: number;
  /** Records of the other SAR patches. [candidates − 1] */
  others: number[];
}

export interface DrawnSearches {
  searches: DrawnSearch[];
  /** Candidates of every anchor: fewer than asked for where the split is small; 0: no search. */
  candidates: number;
  /** Number of anchors without enough candidates outside the guard. */
  leftOut: number;
}

/** Largest number of records that SAR patches come from: their features are computed once and fit into memory. */
const GALLERY = 512;

/** @param positives records of the split's true pairs. */
export function drawSearches(
  positives: readonly number[],
  guard: PlaceGuard,
  { candidates, anchors, seed }: SearchOptions,
): DrawnSearches {
  const rng = Rng.derive(seed, 'searches');
  const shuffled = rng.shuffle([...positives]);
  const gallery = shuffled.slice(0, Math.max(GALLERY, candidates));
  const drawn = shuffled.slice(0, anchors).map((anchor) => ({
    anchor,
    others: gallery.filter((other) => other !== anchor && !guard.conflict(anchor, other)),
  }));
  // The median number of others, so that at least half of the anchors remain even with few places.
  const counts = drawn.map(({ others }) => others.length).sort((a, b) => a - b);
  const wanted = Math.min(candidates - 1, counts[Math.floor((counts.length - 1) / 2)] ?? 0);
  if (wanted < 1) return { searches: [], candidates: 0, leftOut: drawn.length };
  const searches = drawn
    .filter(({ others }) => others.length >= wanted)
    .map(({ anchor, others }) => ({ anchor, others: rng.shuffle(others).slice(0, wanted) }));
  return { searches, candidates: wanted + 1, leftOut: drawn.length - searches.length };
}
