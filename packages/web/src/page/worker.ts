/** The page's worker: reads files and runs the model, so that the page stays responsive. */
import { expose } from 'comlink';
import type { Sensor } from './fault.ts';
import { answer } from './worker/answer.ts';
import { boxFacts, correlated, type PairToScore, type Preparation, scored, seen } from './worker/model.ts';
import { type Dropped, rasterPicture, readPatch } from './worker/patches.ts';
import {
  closeScene,
  cutPlace,
  cutSquare,
  definitionOf,
  openScene,
  type PlaceToCut,
  type SceneSource,
  sceneTile,
} from './worker/scenes.ts';

const worker = {
  box: () => answer(boxFacts),
  patch: (dropped: Dropped, sensor: Sensor) => answer(() => readPatch(dropped), sensor),
  /** Score and correlation map by the model in the box. */
  score: (pair: PairToScore) => answer(() => scored(pair)),
  correlation: (pair: PairToScore) => answer(() => correlated(pair)),
  seen: (pair: PairToScore, by?: Preparation) => answer(() => seen(pair, by)),
  openScene: (source: SceneSource, sensor?: Sensor) => answer(() => openScene(source), sensor),
  closeScene,
  sceneTile: (...place: Parameters<typeof sceneTile>) => answer(() => sceneTile(...place)),
  cutPlace: (place: PlaceToCut) => answer(() => cutPlace(place)),
  cutSquare: (...square: Parameters<typeof cutSquare>) =>
    answer(async () => {
      const raster = await cutSquare(...square);
      return { raster, picture: rasterPicture(raster) };
    }),
  definitionOf: (crs: string) => answer(() => definitionOf(crs)),
};
export type PageWorker = typeof worker;

expose(worker);
