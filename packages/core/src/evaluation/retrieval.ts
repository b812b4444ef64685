/**
 * Recall@k: share of searches in which the true SAR patch of an optical patch is among the k highest scores. It depends
 * on the number of candidates, which is always stated with it.
 */

export const RECALL_AT = [1, 5, 10] as const;

/** One search: the score of an anchor's true patch and those of the other candidates. */
export interface Search {
  /** Place of the anchor (the optical patch), as in `ScoredPair.group`. */
  group: string;
  /** Score of the true SAR patch. */
  truth: number;
  /** Scores of the others. [candidates − 1] */
  others: Float64Array;
}

/**
 * The chance that the true candidate is among the first k when equal scores are put in random order: 1 or 0 without
 * ties, in between with them (as ties count half in ROC-AUC).
 */
export function foundWithin(k: number, truth: number, others: ArrayLike<number>): number {
  let [above, equal] = [0, 0];
  for (let i = 0; i < others.length; i++) {
    if (others[i]! > truth) above++;
    else if (others[i] === truth) equal++;
  }
  return Math.min(Math.max((k - above) / (equal + 1), 0), 1);
}
