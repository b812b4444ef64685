/**
 * Cells of 8 × 8 pixels: the means of a matcher's cells. Tiles are compared by the cosine of their cells, at every multiple of
 * 8 pixels; neighbouring tiles share cells, so that a tile costs one cell.
 *
 * Unlike a vector that is pooled over a tile, they keep where things are in it: see docs/search.md for what that is worth.
 */
import { UsageError } from '../errors.ts';
import type { FeatureMap } from '../localisation/feature_map.ts';
import { ARCHITECTURES } from '../matcher/architectures.ts';
import type { Model } from '../model.ts';
import { denseFeatures } from '../registration/dense_features.ts';
import { type FeatureKind, halved, pairMeans } from '../registration/features.ts';

/** Pixels along the side of a cell, and from one tile to the next. */
export const CELL = 8;

/** Cells of a scene by window. @throws UsageError for a model that does not compare places. */
export function placeCells(model: Model): FeatureKind {
  requireSearchable(model);
  return halved(halved(denseFeatures(model)));
}

/** Cells of 8 × 8 pixels from those of 2 × 2. */
export const coarsened = (map: FeatureMap): FeatureMap => pairMeans(pairMeans(map));

/** @throws UsageError for a model that was not trained to find places. */
export function requireSearchable({ info, scorer }: Model): void {
  if (ARCHITECTURES.get(info.preset).localisation && scorer.halves) return;
  throw new UsageError({
    ...{ action: 'search by the model', expected: 'a matcher of the architecture dense', found: info.preset },
    remedy: 'Name another model, such as s1s2-10m.',
  });
}
