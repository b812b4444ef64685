/** `random`: any candidate, each with the same chance. Nothing is scored but what is chosen, unless a rule needs scores. */
import { findRanked, type UnrankedSettings, unrankedSettings } from '../ranked.ts';
import { needsScores } from '../select.ts';
import type { Strategy } from '../strategy.ts';

export const random = {
  name: 'random',
  description: 'Any SAR patch of other ground',
  settings: unrankedSettings(),
  trainingOnly: false,
  unit: 'pairs',
  find(bench, settings, watch) {
    const kind = needsScores(settings) ? 'match' : undefined;
    return findRanked({ strategy: 'random', scale: 'probability', kind, order: 'random' }, bench, settings, watch);
  },
} satisfies Strategy<UnrankedSettings>;
