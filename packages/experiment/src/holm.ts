/**
 * Many comparisons find something by chance. Holm's step-down procedure (A simple sequentially rejective multiple test
 * procedure, 1979) keeps the chance of a single false find below the level, whatever the comparisons' dependence.
 *
 * @returns adjusted p-values in the given order: max over the smaller ones of (m − rank)·p, at most 1.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let highest = 0;
  order.forEach((i, rank) => {
    highest = Math.max(highest, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = highest;
  });
  return adjusted;
}
