/**
 * `loss`: candidates with the highest score against the anchor's optical patch. As negatives they have the
 * highest loss. The score is the matcher's probability.
 */
import { findRanked, type RankedSettings, type Ranking, rankedSettings, scoringOf } from '../ranked.ts';
import type { Strategy } from '../strategy.ts';

const RANKING: Ranking = { strategy: 'loss', scale: 'probability', kind: 'match', order: 'score' };

export const loss = {
  name: 'loss',
  description: 'SAR patches of other ground that the matcher scores as a match',
  settings: rankedSettings('probability'),
  trainingOnly: false,
  unit: 'pairs',
  find: (bench, settings, watch) => findRanked(RANKING, bench, settings, watch),
  scoring: (bench, settings) => scoringOf(RANKING, bench, settings),
} satisfies Strategy<RankedSettings>;
