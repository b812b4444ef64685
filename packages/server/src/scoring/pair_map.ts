/** Correlation maps of pairs, by the cells of a dense matcher: what its score is made of. */
import { PatchError } from '@doppel/core';
import { pairMap, templateMap } from '@doppel/core/registration';
import type { MapOf } from './model_engine.ts';

/** Pixels of which both sides of a window and a patch are multiples. */
const STEP = 8;

export const pairMapOf: MapOf = async (model, { sar, optical }, window) => {
  if (model.info.preset !== 'dense') return undefined;
  if (!window) return pairMap(model, sar, optical);
  const margins = [window.width - sar.width, window.height - sar.height];
  if (margins.every((margin) => margin >= 0 && margin % STEP === 0)) return templateMap(model, sar, window);
  throw new PatchError({
    action: 'use the window around the optical patch',
    expected: `sides that are those of the patch, or longer by a multiple of ${STEP}`,
    found: `${window.width} × ${window.height} pixels around ${sar.width} × ${sar.height}`,
  });
};
