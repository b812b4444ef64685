/** The page's worker: reads files and runs the model, so that the page stays responsive. */
import { expose } from 'comlink';
import type { Sensor } from './fault.ts';
import { answer } from './worker/answer.ts';
import { boxFacts, correlated, type PairToScore, scored, seen } from './worker/model.ts';
import { type Dropped, decoded, patchFacts } from './worker/patches.ts';

/** Pair of dropped files. */
export type DroppedPair = Record<Sensor, Dropped>;

async function readPair({ sar, optical }: DroppedPair): Promise<PairToScore> {
  return { sar: await decoded(sar), optical: await decoded(optical), names: { sar: sar.name, optical: optical.name } };
}

async function view(pair: PairToScore) {
  return {
    correlation: await correlated(pair),
    seen: {
      sar: await seen(pair.sar, 'sar', pair.names.sar),
      optical: await seen(pair.optical, 'optical', pair.names.optical),
    },
  };
}

const worker = {
  box: () => answer(boxFacts),
  patch: (dropped: Dropped, sensor: Sensor) => answer(() => patchFacts(dropped), sensor),
  /** View of a pair by the model, without the score. */
  viewPair: (pair: DroppedPair) => answer(async () => view(await readPair(pair))),
  /** Score by the model in the box. */
  scorePair: (pair: DroppedPair) => answer(async () => scored(await readPair(pair))),
};
export type PageWorker = typeof worker;

expose(worker);
