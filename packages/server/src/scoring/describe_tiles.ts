/**
 * Descriptors of patches and tiles: one vector for an image of one sensor, by whose cosine places are searched. Tiles of one
 * sensor and size go through the tower together.
 */
import { type Model, NonFiniteError, PatchError, UsageError } from '@doppel/core';
import { sidesInWords, takesSide } from '@doppel/core/matcher';
import { prepareWindow } from '@doppel/core/prepare';
import type { Raster } from '@doppel/core/raster';
import * as tf from '@tensorflow/tfjs-core';
import { passesOf } from './passes.ts';
import { failureOf, rasterOf } from './read_image.ts';
import type { PairFailure, TileInput, TileOutcome } from './scoring_service.ts';

/** Largest tile: maps of a tower take some hundred bytes for each pixel. */
const MAX_TILE_PIXELS = 2 ** 20;

interface PreparedTile {
  tile: TileInput;
  raster: Raster;
  /** [height, width, bands], standardised. */
  samples: Float32Array;
}

/** Outcomes in the order of the tiles; one that cannot be described fails alone. */
export async function describeTiles(
  model: Model,
  tiles: readonly TileInput[],
  maxPixels: number,
): Promise<TileOutcome[]> {
  const prepared = await Promise.all(tiles.map((tile) => prepare(model, tile, maxPixels)));
  const descriptors = new Map<PreparedTile, TileOutcome>();
  const good = prepared.filter((each): each is PreparedTile => !('error' in each));
  for (const pass of passesOf(
    good,
    ({ raster }) => raster,
    ({ tile }) => tile.modality,
  )) {
    const rows = await descriptorsOf(model, pass);
    pass.forEach((tile, i) => {
      descriptors.set(tile, outcomeOf(rows[i]!));
    });
  }
  return prepared.map((each) => ('error' in each ? each : descriptors.get(each)!));
}

async function prepare(
  { info, normalisation }: Model,
  tile: TileInput,
  maxPixels: number,
): Promise<PreparedTile | { error: PairFailure }> {
  const { modality, tile: image } = tile;
  try {
    const raster = await rasterOf(image, Math.min(maxPixels, MAX_TILE_PIXELS));
    requireSides(raster, info, image.name);
    requireSamples(raster, image.name);
    const samples = prepareWindow(raster, modality, normalisation, image.name);
    return { tile, raster, samples };
  } catch (error) {
    return { error: failureOf(error) };
  }
}

function requireSides({ width, height }: Raster, info: Model['info'], file: string): void {
  if (takesSide(info, width) && takesSide(info, height)) return;
  throw new PatchError({
    ...{ action: 'describe the image', file, expected: `sides of ${sidesInWords(info)} pixels` },
    ...{ found: `${width} × ${height}`, remedy: 'Cut the image to such a size.' },
  });
}

function requireSamples({ data }: Raster, file: string): void {
  if (data.some(Number.isFinite)) return;
  throw new PatchError({
    action: 'describe the image',
    file,
    expected: 'valid samples',
    found: 'none: all are missing',
  });
}

async function descriptorsOf({ scorer, info }: Model, pass: readonly PreparedTile[]): Promise<Float32Array[]> {
  const { halves } = scorer;
  if (!halves) {
    const expected = 'a matcher with a stream for each sensor';
    throw new UsageError({ action: 'describe an image', expected, found: `the architecture ${info.preset}` });
  }
  const { tile, raster, samples } = pass[0]!;
  const stacked = new Float32Array(pass.length * samples.length);
  pass.forEach((each, i) => {
    stacked.set(each.samples, i * samples.length);
  });
  const bands = samples.length / (raster.height * raster.width);
  const features = tf.tidy(() =>
    halves.features(tf.tensor4d(stacked, [pass.length, raster.height, raster.width, bands]), tile.modality),
  );
  const values = (await features.data()) as Float32Array;
  features.dispose();
  const length = values.length / pass.length;
  return pass.map((_, i) => values.slice(i * length, (i + 1) * length));
}

function outcomeOf(descriptor: Float32Array): TileOutcome {
  if (descriptor.every(Number.isFinite)) return { descriptor };
  const what = { action: 'describe an image', expected: 'finite numbers', found: 'others' };
  return { error: failureOf(new NonFiniteError(what)) };
}
