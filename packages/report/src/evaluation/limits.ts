/** Limits of the numbers of an evaluation, derived from the sample itself, so that every report states them. */
import { type Evaluation, type Ranking, scoreOfRun } from '@doppel/core/evaluation';
import { count, plural } from '../page/format.ts';
import { percent } from '../plots/axis.ts';

/** Number of places below which a percentile interval is known to be too narrow. */
const FEW_PLACES = 20;

/** Spread in logits below which scores differ by rounding only. */
const CONSTANT_SPREAD = 1e-3;

export function limitsOf({ summary, shortage, search }: Evaluation): string[] {
  const { places, negatives, operatingPoints } = summary;
  const unresolved = operatingPoints.filter((point) => point.resolution === 'none').map((point) => point.target);
  const coarse = operatingPoints.filter((point) => point.resolution === 'coarse').map((point) => point.target);
  const rates = (targets: number[]) => targets.map((target) => percent(target)).join(' and ');
  const limits: string[] = [];
  if (spreadOf(summary.ranking) < CONSTANT_SPREAD) {
    limits.push('All scores are the same: the matcher has collapsed to a constant output and separates nothing.');
  }
  if (places === 1)
    limits.push('All pairs are of one place: there are no intervals, and nothing is known of other places.');
  else if (places < FEW_PLACES) {
    limits.push(`The intervals rest on ${places} places only and are likely too narrow.`);
  }
  if (unresolved.length > 0) {
    const needed = count(Math.ceil(1 / Math.min(...unresolved)));
    limits.push(
      `${plural(negatives, 'negative')} are too few to resolve a false positive rate of ${rates(unresolved)}: ` +
        `at least ${needed} are needed, ten times as many for a steady figure.`,
    );
  }
  if (coarse.length > 0) {
    limits.push(`At a false positive rate of ${rates(coarse)} fewer than ten negatives decide: the figure is coarse.`);
  }
  if (shortage > 0) {
    limits.push(`${plural(shortage, 'negative')} could not be drawn, as the place guard left no other patch.`);
  }
  if (search.leftOut > 0) {
    limits.push(`${plural(search.leftOut, 'anchor')} had too few candidates for recall@k and were left out.`);
  }
  return limits;
}

function spreadOf(ranking: Ranking): number {
  return scoreOfRun(ranking, 0) - scoreOfRun(ranking, ranking.ends.length - 1);
}
