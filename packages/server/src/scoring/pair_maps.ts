/** Correlation maps of pairs, by the cells of a dense matcher: what its score is made of. */
import { pairMaps, templateMap } from '@doppel/core/registration';
import type { MappedPair, MapsOf } from './model_engine.ts';
import { passesOf } from './passes.ts';
import type { PairMap } from './scoring_service.ts';

export const pairMapsOf: MapsOf = async (model, pairs) => {
  if (model.info.preset !== 'dense') return pairs.map(() => undefined);
  const maps = new Map<MappedPair, PairMap | Error>();
  const alone = pairs.filter(({ window }) => !window);
  for (const pass of passesOf(alone, ({ sar }) => sar)) {
    const made = await pairMaps(model, pass);
    for (const [i, pair] of pass.entries()) maps.set(pair, made[i]!);
  }
  for (const pair of pairs) {
    if (pair.window) maps.set(pair, await templateMap(model, pair.sar, pair.window).catch((error) => error));
  }
  return pairs.map((pair) => maps.get(pair));
};
