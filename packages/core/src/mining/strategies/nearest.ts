/**
 * `nearest`: the SAR patches that look most like the anchor's own. The score is the cosine of the features of the matcher's
 * SAR stream; the true pair has 1.
 */
import { findRanked, type RankedSettings, type Ranking, rankedSettings, scoringOf } from '../ranked.ts';
import type { Strategy } from '../strategy.ts';

const RANKING: Ranking = { strategy: 'nearest', scale: 'cosine', kind: 'likeness', order: 'score' };

export const nearest = {
  name: 'nearest',
  description: 'SAR patches of other ground that look most like the true one to the matcher',
  settings: rankedSettings('cosine'),
  trainingOnly: false,
  unit: 'pairs',
  needsStreams: () => true,
  find: (bench, settings, watch) => findRanked(RANKING, bench, settings, watch),
  scoring: (bench, settings) => scoringOf(RANKING, bench, settings),
} satisfies Strategy<RankedSettings>;
