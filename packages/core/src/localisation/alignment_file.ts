/**
 * `alignment.json`, beside `pairs.jsonl`: how far the optical scene of each pair of scenes lies off its SAR scene, by two
 * estimates, and what they agree on. docs/alignment.md describes it.
 *
 *     {"doppel":"alignment","version":1,"fingerprint":"v2:…","settings":{…},"scenes":[{"id":"003","accepted":true,"shift":{"row":1.4,"column":-0.6},…}]}
 *
 * Optical position = SAR position + shift, in pixels of the scenes' common grid.
 */
import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { dataDifference, isSameData } from '../dataset/fingerprint.ts';
import { FormatError, StaleCacheError } from '../errors.ts';
import { joinPath, readText, type Store } from '../store.ts';
import type { Shift } from './consensus.ts';

export const ALIGNMENT_FILE = 'alignment.json';

const pixels = z.number();
const shift = { row: pixels, column: pixels };

/** Means of the estimates; `even` and `odd` are the two colours of a chessboard of templates. */
export const ESTIMATORS = ['gradients', 'gradients-even', 'gradients-odd', 'matcher'] as const;

const estimateSchema = z.strictObject({
  by: z.enum(ESTIMATORS),
  ...shift,
  /** Templates whose best place lies within the search. */
  votes: z.int().nonnegative(),
  /** Votes that agree within 3 pixels. */
  inliers: z.int().positive(),
  /** Root mean square distance of the inliers from their mean. */
  spread: z.number().nonnegative(),
  /** Standard error: spread / √inliers. */
  uncertainty: z.number().nonnegative(),
});
export type Estimate = z.infer<typeof estimateSchema>;

const sceneSchema = z.strictObject({
  id: z.string().min(1),
  /** True if two estimates agree within the tolerance. */
  accepted: z.boolean(),
  /** Mean of the two estimates; zero where none is accepted. */
  shift: z.strictObject(shift),
  /** Standard error of the mean, from the spread of the inliers; absent where none is accepted. */
  uncertainty: z.number().nonnegative().optional(),
  /** Distance of the two estimates; absent where there are not two. */
  difference: z.number().nonnegative().optional(),
  estimates: z.array(estimateSchema).max(2),
});
export type SceneAlignment = z.infer<typeof sceneSchema>;

export const alignmentSchema = z.strictObject({
  doppel: z.literal('alignment'),
  version: z.literal(1),
  /** Fingerprint of the data set. */
  fingerprint: z.string().min(1),
  /** Second means: a matcher, or the other half of the templates, which shares the errors of the first; mixed: by scene. */
  check: z.enum(['matcher', 'halves', 'mixed']),
  settings: z.strictObject({
    /** Template side, search in each direction, and tolerance, in pixels. */
    side: z.int().positive(),
    search: z.int().positive(),
    tolerance: z.number().nonnegative(),
    /** Templates of a scene, at most. */
    templates: z.int().positive(),
  }),
  scenes: z.array(sceneSchema),
});
export type Alignment = z.infer<typeof alignmentSchema>;

/** The shift of each scene by its id; zero where it is not accepted. */
export const shiftsOf = ({ scenes }: Alignment): Map<string, Shift> =>
  new Map(scenes.map(({ id, shift: each }) => [id, each]));

/**
 * @throws FileError where there is none. @throws FormatError where it is invalid. @throws StaleCacheError where it was made
 * for other data.
 */
export async function readAlignment(
  store: Store,
  dataset: Pick<Dataset, 'folder' | 'fingerprint'>,
): Promise<Alignment> {
  const file = joinPath(dataset.folder, ALIGNMENT_FILE);
  const remedy = `Estimate it again: \`doppel data align ${dataset.folder}\`.`;
  const alignment = parseJson(
    alignmentSchema,
    await readText(store, file),
    (found, cause) =>
      new FormatError({ action: 'read', file, expected: 'an alignment (version 1)', found, cause, remedy }),
  );
  if (isSameData(alignment.fingerprint, dataset.fingerprint)) return alignment;
  throw new StaleCacheError({
    ...{ action: 'use the alignment', file, expected: 'one of this data set', remedy },
    found: dataDifference(alignment.fingerprint, dataset.fingerprint),
  });
}

/** One line a scene. */
export function formatAlignment({ scenes, ...head }: Alignment): string {
  const lines = scenes.map((scene) => `  ${JSON.stringify(scene)}`);
  return `${JSON.stringify(head).slice(0, -1)},"scenes":[\n${lines.join(',\n')}\n]}\n`;
}
