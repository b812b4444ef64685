/** `random`: any candidate, each with the same chance. Nothing is scored but what is chosen, unless a rule needs scores. */
import { findRanked, type Ranking, scoringOf, type UnrankedSettings, unrankedSettings } from '../ranked.ts';
import { needsScores } from '../select.ts';
import type { Strategy } from '../strategy.ts';

const rankingFor = (settings: UnrankedSettings): Ranking => ({
  ...{ strategy: 'random', scale: 'probability', order: 'random' },
  kind: needsScores(settings) ? 'match' : undefined,
});

export const random = {
  name: 'random',
  description: 'Any SAR patch of other ground',
  settings: unrankedSettings(),
  trainingOnly: false,
  unit: 'pairs',
  find: (bench, settings, watch) => findRanked(rankingFor(settings), bench, settings, watch),
  scoring: (bench, settings) => scoringOf(rankingFor(settings), bench, settings),
} satisfies Strategy<UnrankedSettings>;
