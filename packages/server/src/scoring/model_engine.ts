/**
 * The model on a backend in this thread: images in, outcomes out. Each worker thread holds one, and so does an edge
 * runtime. Images are decoded here too, so that a server's event loop does not wait for it.
 */

import {
  isDoppelError,
  MemoryStore,
  type Model,
  NonFiniteError,
  nameOf,
  openModel,
  type PairScore,
  PatchError,
  type RasterPair,
  reasonOf,
} from '@doppel/core';
import { type BackendLoader, selectBackend } from '@doppel/core/backends';
import { openRaster, type Raster } from '@doppel/core/raster';

import * as tf from '@tensorflow/tfjs-core';
import type { ImageInput, PairFailure, PairInput, PairOutcome, ServedModel } from './scoring_service.ts';

export interface EngineOptions {
  /** Bytes of a checkpoint. */
  model: Uint8Array;
  /** File of the checkpoint, for messages. */
  file: string;
  backend?: string | undefined;
  loaders?: readonly BackendLoader[];
  /** Largest number of pixels of an image; larger ones are refused before they are decompressed. */
  maxPixels: number;
}

export interface ModelEngine {
  readonly served: ServedModel;
  /** Outcomes in the order of the pairs. */
  score(pairs: readonly PairInput[]): Promise<PairOutcome[]>;
  dispose(): void;
}

/** Loads the model and scores once, so that the first request is not slower. @throws as `selectBackend` and `openModel`. */
export async function openEngine({
  model: bytes,
  file,
  backend,
  loaders = [],
  maxPixels,
}: EngineOptions): Promise<ModelEngine> {
  const { name, device } = await selectBackend({ ...(backend !== undefined && { requested: backend }), loaders });
  const model = await openModel(bytes, file);
  const { info, normalisation } = model;
  await warmUp(model);
  return {
    served: { name: nameOf(file.replaceAll('\\', '/')), info, normalisation, backend: name, device },
    async score(pairs) {
      const read = await Promise.all(pairs.map((pair) => readPair(pair, maxPixels)));
      const good = read.filter((each): each is RasterPair => !('error' in each));
      const results = await scoreApart(model, good);
      let next = 0;
      return read.map((each) => ('error' in each ? each : outcomeOf(results[next++]!)));
    },
    dispose: () => model.dispose(),
  };
}

/** The first pass compiles and allocates; zeros are what the mean becomes. */
async function warmUp({ info, scorer }: Model): Promise<void> {
  const zeros = (bands: number) => tf.zeros<tf.Rank.R4>([1, info.side, info.side, bands]);
  const scores = tf.tidy(() => scorer.score(zeros(info.sarBands), zeros(info.opticalBands)));
  await scores.data();
  scores.dispose();
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

const outcomeOf = (result: PairScore | Error): PairOutcome =>
  result instanceof Error ? { error: failureOf(result) } : result;

async function readPair({ sar, optical }: PairInput, maxPixels: number): Promise<RasterPair | { error: PairFailure }> {
  try {
    return {
      sar: await rasterOf(sar, maxPixels),
      optical: await rasterOf(optical, maxPixels),
      names: { sar: sar.name, optical: optical.name },
    };
  } catch (error) {
    // Any failure here comes from the client's bytes alone, so it is reported to the client.
    return { error: failureOf(error) };
  }
}

function failureOf(error: unknown): PairFailure {
  const problem = error instanceof TooManyPixels ? 'payload-too-large' : 'unusable-image';
  if (!isDoppelError(error)) return { problem, detail: `Cannot read an image of the pair: ${reasonOf(error)}.` };
  const { message: detail, expected, found, remedy } = error;
  return { problem, detail, expected, found, remedy };
}

class TooManyPixels extends PatchError {}

async function rasterOf(image: ImageInput, maxPixels: number): Promise<Raster> {
  if (image.kind === 'samples') {
    const { kind: _, name: __, unit = 'digital number', ...samples } = image;
    return { ...samples, unit };
  }
  const { name, bytes, unit } = image;
  const store = new MemoryStore();
  store.files.set(name, bytes);
  const file = await openRaster(store, name, unit && { unit });
  try {
    const { width, height } = file;
    if (width * height <= maxPixels) return await file.read();
    throw new TooManyPixels({
      ...{ action: 'read the image', file: name },
      ...{ expected: `at most ${maxPixels} pixels`, found: `${width} × ${height}` },
    });
  } finally {
    await file.close();
  }
}
