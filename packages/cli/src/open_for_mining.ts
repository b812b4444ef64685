/** A checkpoint as mining needs it, with the patches of a data set prepared as it wants them. */

import type { Store } from '@doppel/core';
import { sha256 } from '@doppel/core/base';
import type { Dataset } from '@doppel/core/dataset';
import { type Calibration, createScorer, matcherOf, readCheckpoint } from '@doppel/core/matcher';
import type { MiningModel } from '@doppel/core/mining';
import { PatchCache } from '@doppel/core/prepare';

export interface ModelForMining {
  model: MiningModel & { calibration: Calibration };
  cache: PatchCache;
  dispose(): void;
}

/** @throws FileError where there is no file. @throws CheckpointError where it is damaged. */
export async function openForMining(store: Store, file: string, dataset: Dataset): Promise<ModelForMining> {
  const bytes = await store.read(file);
  const checkpoint = readCheckpoint(bytes, file);
  const matcher = matcherOf(checkpoint);
  const scorer = createScorer(matcher);
  matcher.dispose();
  const calibration = checkpoint.calibration ?? { temperature: 1, threshold: 0.5 };
  return {
    model: {
      scorer,
      shape: checkpoint.matcher,
      fingerprint: await sha256(bytes),
      normalisation: checkpoint.normalisation,
      temperature: calibration.temperature,
      calibration,
    },
    cache: new PatchCache(dataset, checkpoint.normalisation),
    dispose: scorer.dispose,
  };
}
