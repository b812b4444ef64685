/**
 * The model on a backend in this thread: images in, outcomes out. Each worker thread holds one, and so does an edge
 * runtime. Images are decoded here too, so that a server's event loop does not wait for it.
 */

import { type Model, NonFiniteError, nameOf, openModel, type PairScore, type RasterPair } from '@doppel/core';
import { type BackendLoader, selectBackend } from '@doppel/core/backends';
import type { Raster } from '@doppel/core/raster';
import * as tf from '@tensorflow/tfjs-core';
import { describeTiles } from './describe_tiles.ts';
import { failureOf, rasterOf } from './read_image.ts';
import type {
  ImageOfPair,
  PairFailure,
  PairInput,
  PairMap,
  PairOutcome,
  ServedModel,
  TileInput,
  WorkInput,
  WorkOutcome,
} from './scoring_service.ts';
import { requireWindow } from './window.ts';

export interface EngineOptions {
  /** Bytes of a checkpoint. */
  model: Uint8Array;
  /** File of the checkpoint, for messages. */
  file: string;
  backend?: string | undefined;
  loaders?: readonly BackendLoader[];
  /** Largest number of pixels of an image; larger ones are refused before they are decompressed. */
  maxPixels: number;
  /** Computes correlation maps. Default: there are none, as on edge runtimes, whose one file would hold more code. */
  mapsOf?: MapsOf | undefined;
}

/** Pair of which a map is wanted. */
export interface MappedPair extends RasterPair {
  window?: Raster | undefined;
}

/** Correlation maps of pairs in their order; undefined where the matcher has none, an error for a window without one. */
export type MapsOf = (model: Model, pairs: readonly MappedPair[]) => Promise<(PairMap | Error | undefined)[]>;

export interface ModelEngine {
  readonly served: ServedModel;
  /** Outcomes in the order of the work. */
  run(work: readonly WorkInput[]): Promise<WorkOutcome[]>;
  dispose(): void;
}

/** Loads the model and scores once, so that the first request is not slower. @throws as `selectBackend` and `openModel`. */
export async function openEngine({
  model: bytes,
  file,
  backend,
  loaders = [],
  maxPixels,
  mapsOf,
}: EngineOptions): Promise<ModelEngine> {
  const { name, device } = await selectBackend({ ...(backend !== undefined && { requested: backend }), loaders });
  const model = await openModel(bytes, file);
  const { info, normalisation } = model;
  const descriptorLength = await warmUp(model);
  const scorePairs = async (pairs: readonly PairInput[]): Promise<PairOutcome[]> => {
    const read = await Promise.all(pairs.map((pair) => readPair(pair, maxPixels)));
    const good = read.filter((each): each is ReadPair => !('error' in each));
    const results = await scoreApart(model, good);
    const mapped = good.filter(({ wantsMap }, i) => wantsMap && !(results[i] instanceof Error));
    const maps = (mapped.length > 0 && (await mapsOf?.(model, mapped))) || [];
    const mapOf = new Map(mapped.map((pair, i) => [pair, maps[i]]));
    const done = good.map((pair, i) => outcomeOf(results[i]!, mapOf.get(pair))).values();
    return read.map((each) => ('error' in each ? each : done.next().value!));
  };
  return {
    served: { name: nameOf(file.replaceAll('\\', '/')), info, normalisation, backend: name, device, descriptorLength },
    async run(work) {
      const [pairs, tiles] = [work.filter(isPair), work.filter(isTile)];
      const scores = (await scorePairs(pairs)).values();
      const descriptors = (await describeTiles(model, tiles, maxPixels)).values();
      return work.map((each) => (isPair(each) ? scores : descriptors).next().value!);
    },
    dispose: () => model.dispose(),
  };
}

const isTile = (work: WorkInput): work is TileInput => 'tile' in work;
const isPair = (work: WorkInput): work is PairInput => !isTile(work);

/** The first pass compiles and allocates; zeros are what the mean becomes. @returns the length of a descriptor. */
async function warmUp({ info, scorer }: Model): Promise<number | undefined> {
  const zeros = (bands: number) => tf.zeros<tf.Rank.R4>([1, info.side, info.side, bands]);
  const scores = tf.tidy(() => scorer.score(zeros(info.sarBands), zeros(info.opticalBands)));
  await scores.data();
  scores.dispose();
  if (!scorer.halves) return undefined;
  const descriptor = tf.tidy(() => scorer.halves!.features(zeros(info.sarBands), 'sar'));
  await descriptor.data();
  descriptor.dispose();
  return descriptor.shape[1];
}

/** Scores a batch; a pair whose score is not finite fails alone, not with its batch. */
async function scoreApart(model: Model, pairs: readonly RasterPair[]): Promise<(PairScore | Error)[]> {
  try {
    return await model.scoreEach(pairs);
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    if (pairs.length === 1) return [error];
    const results: (PairScore | Error)[] = [];
    for (const pair of pairs) results.push(...(await scoreApart(model, [pair])));
    return results;
  }
}

function outcomeOf(result: PairScore | Error, map: PairMap | Error | undefined): PairOutcome {
  if (result instanceof Error) return { error: failureOf(result) };
  if (map instanceof Error) return { error: failureOf(map, 'window') };
  return map ? { ...result, map } : result;
}

interface ReadPair extends MappedPair {
  /** Asks for the correlation map. */
  wantsMap: boolean;
}

async function readPair(
  { sar, optical, map }: PairInput,
  maxPixels: number,
): Promise<ReadPair | { error: PairFailure }> {
  let reading: ImageOfPair = 'sar';
  try {
    const sarRaster = await rasterOf(sar, maxPixels);
    reading = 'optical';
    const opticalRaster = await rasterOf(optical, maxPixels);
    reading = 'window';
    const window = map?.window && (await rasterOf(map.window, maxPixels));
    if (window) requireWindow(window, sarRaster);
    return {
      ...{ sar: sarRaster, optical: opticalRaster, window, wantsMap: map !== undefined },
      names: { sar: sar.name, optical: optical.name },
    };
  } catch (error) {
    return { error: failureOf(error, reading) };
  }
}
