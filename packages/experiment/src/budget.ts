/**
 * A data budget: part of the places of the training split. Budgets of one seed are nested, the smaller inside the larger;
 * each seed draws other places, so that what a draw happens to hold is part of the spread between seeds. Validation and
 * test stay whole.
 */

import { Rng } from '@doppel/core/base';
import type { Dataset } from '@doppel/core/dataset';

/** A data set whose train split is cut down; records, and so references to them, stay the same. */
export function withBudget(dataset: Dataset, budget: number, seed: number): Dataset {
  const all = dataset.indicesOf('train');
  const places = [...new Set(all.map((index) => dataset.records[index]!.group))].sort();
  const kept = new Set(
    Rng.derive(seed, 'budget')
      .shuffle(places)
      .slice(0, Math.max(Math.round(budget * places.length), Math.min(2, places.length))),
  );
  const train = all.filter((index) => kept.has(dataset.records[index]!.group));
  return {
    ...dataset,
    indicesOf: (split) => (split === 'train' ? [...train] : dataset.indicesOf(split)),
    scenesOf(split, options) {
      const scenes = dataset.scenesOf(split, options);
      return split === 'train' ? scenes.filter(({ group }) => kept.has(group)) : scenes;
    },
  };
}
