/** A checkpoint as mining needs it, with the patches of a data set prepared as it wants them. */
import { matcherOf, readCheckpoint } from '@doppel/core/checkpoint';
import type { Calibration } from '@doppel/core/evaluation/calibration';
import { createScorer } from '@doppel/core/matcher/scorer';
import type { MiningModel } from '@doppel/core/mining';
import type { Dataset } from '@doppel/core/patches/dataset';
import type { Normalisation } from '@doppel/core/patches/normalisation';
import { PatchCache } from '@doppel/core/patches/to_tensors';
import { sha256 } from '@doppel/core/sha256';
import type { Store } from '@doppel/core/store';

export interface ModelForMining {
  model: MiningModel & { normalisation: Normalisation; calibration: Calibration };
  cache: PatchCache;
  dispose(): void;
}

/** @throws FileError where there is no file. @throws CheckpointError where it is damaged. */
export async function openForMining(store: Store, file: string, dataset: Dataset): Promise<ModelForMining> {
  const bytes = await store.read(file);
  const checkpoint = readCheckpoint(bytes, file);
  const { side, sarBands, opticalBands } = checkpoint.matcher;
  const matcher = matcherOf(checkpoint);
  const scorer = createScorer(matcher);
  matcher.dispose();
  const calibration = checkpoint.calibration ?? { temperature: 1, threshold: 0.5 };
  return {
    model: {
      scorer,
      shape: { side, sarChannels: sarBands, opticalChannels: opticalBands },
      fingerprint: await sha256(bytes),
      normalisation: checkpoint.normalisation,
      temperature: calibration.temperature,
      calibration,
    },
    cache: new PatchCache(dataset, checkpoint.normalisation),
    dispose: scorer.dispose,
  };
}
