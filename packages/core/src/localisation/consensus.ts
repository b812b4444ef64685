/**
 * Consensus of many votes on a shift: the densest place of the votes, then a mean of those near it. Votes of templates
 * that were found elsewhere scatter over the whole search, and lose.
 */

export interface Shift {
  /** Pixels down. */
  row: number;
  /** Pixels to the right. */
  column: number;
}

export interface Vote extends Shift {
  /** 0 or more. */
  weight: number;
}

export interface Consensus extends Shift {
  votes: number;
  /** Votes within the radius of the consensus. */
  inliers: number;
  /** Root mean square distance of the inliers from it, in pixels. */
  spread: number;
  /** Standard error in pixels: the spread over the root of the inliers' number. */
  uncertainty: number;
}

/** Radius in pixels within which votes agree. */
export const CONSENSUS_RADIUS = 3;
const ROUNDS = 20;

/** Undefined without votes of any weight. */
export function consensusOf(votes: readonly Vote[], radius = CONSENSUS_RADIUS): Consensus | undefined {
  let centre: Shift | undefined = densest(votes, radius);
  if (!centre) return undefined;
  let inliers = near(votes, centre, radius);
  for (let round = 0; round < ROUNDS; round++) {
    const refitted: Shift = meanOf(inliers);
    if (distance(refitted, centre) < 1e-6) break;
    const kept = near(votes, refitted, radius);
    if (kept.length === 0) break;
    [centre, inliers] = [refitted, kept];
  }
  const { row, column } = meanOf(inliers);
  const spread = Math.sqrt(weightedMean(inliers, (vote) => distance(vote, { row, column }) ** 2));
  const uncertainty = spread / Math.sqrt(inliers.length);
  return { row, column, votes: votes.length, inliers: inliers.length, spread, uncertainty };
}

export const distance = (a: Shift, b: Shift): number => Math.hypot(a.row - b.row, a.column - b.column);

const near = (votes: readonly Vote[], centre: Shift, radius: number) =>
  votes.filter((vote) => vote.weight > 0 && distance(vote, centre) <= radius);

/** The vote with the greatest weight within the radius. */
function densest(votes: readonly Vote[], radius: number): Vote | undefined {
  let [best, most]: [Vote | undefined, number] = [undefined, 0];
  for (const vote of votes) {
    const weight = near(votes, vote, radius).reduce((sum, other) => sum + other.weight, 0);
    if (vote.weight > 0 && weight > most) [best, most] = [vote, weight];
  }
  return best;
}

function weightedMean(votes: readonly Vote[], of: (vote: Vote) => number): number {
  const total = votes.reduce((sum, { weight }) => sum + weight, 0);
  return votes.reduce((sum, vote) => sum + vote.weight * of(vote), 0) / total;
}

const meanOf = (votes: readonly Vote[]): Shift => ({
  row: weightedMean(votes, (vote) => vote.row),
  column: weightedMean(votes, (vote) => vote.column),
});
