/**
 * The order in which an anchor's candidates are looked at. Ties, and the order in which candidates arrive, have no say:
 * the same candidates with the same scores always end in the same order.
 */
import type { Rng } from '../base/random.ts';

/** Positions of the candidates from the highest score to the lowest, equal scores by record. Scores are finite. */
export function rankByScore(candidates: ArrayLike<number>, scores: ArrayLike<number>): Uint32Array {
  return positions(candidates).sort((a, b) => scores[b]! - scores[a]! || candidates[a]! - candidates[b]!);
}

/** Positions of the candidates in random order, which depends on the candidates and the state of `rng` alone. */
export function rankAtRandom(candidates: ArrayLike<number>, rng: Rng): Uint32Array {
  const order = positions(candidates).sort((a, b) => candidates[a]! - candidates[b]!);
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

const positions = (items: ArrayLike<unknown>) => Uint32Array.from({ length: items.length }, (_, i) => i);
