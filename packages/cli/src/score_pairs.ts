/** Scores pairs of image files; a pair that cannot be read or used has its error in place of its score. */
import { type DoppelError, isDoppelError, type Model, type PairScore, type RasterPair, type Store } from '@doppel/core';
import { type Crop, readPatch } from './read_patch.ts';

export interface ScoringTools {
  store: Store;
  model: Model;
  crop: Crop | undefined;
}

/** Paths of a pair for the store. */
export interface PairPaths {
  sarPath: string;
  opticalPath: string;
}

export async function readPair(
  { store, model, crop }: ScoringTools,
  sar: string,
  optical: string,
): Promise<RasterPair> {
  return {
    sar: await readPatch(store, sar, model.info, crop),
    optical: await readPatch(store, optical, model.info, crop),
    names: { sar, optical },
  };
}

/** Scores in the order of the pairs, all of which are in memory together. */
export async function scorePairs(
  tools: ScoringTools,
  pairs: readonly PairPaths[],
): Promise<(PairScore | DoppelError)[]> {
  const read = await Promise.all(
    pairs.map(({ sarPath, opticalPath }) =>
      readPair(tools, sarPath, opticalPath).catch((error) => {
        if (isDoppelError(error)) return error;
        throw error;
      }),
    ),
  );
  const good = read.filter((each): each is RasterPair => !isDoppelError(each));
  const scores = await tools.model.scoreEach(good);
  let next = 0;
  return read.map((each) => (isDoppelError(each) ? each : scores[next++]!));
}
