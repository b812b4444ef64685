/**
 * The rival of cells: one pooled vector of 128 numbers for a tile, by the descriptor of the matcher, compared by cosine. It is
 * measured beside them by `doppel gallery evaluate --pooled`, and used nowhere else.
 */
import * as tf from '@tensorflow/tfjs-core';
import { concatenate } from '../base/concatenate.ts';
import { pause } from '../base/pause.ts';
import type { Sensor } from '../dataset/scenes.ts';
import type { Model } from '../model.ts';
import type { Raster } from '../raster/raster.ts';
import type { RasterWindow } from '../raster/window.ts';
import { bandsFor, samplesFor } from '../registration/dense_features.ts';
import type { Gallery } from './gallery.ts';
import { type Ranked, TopK } from './top_k.ts';

/** Pixels from one tile to the next: with 128 numbers a tile half as many numbers for an area as cells. */
export const POOLED_STRIDE = 32;
/** Pixels that go through a tower together. */
const PASS_PIXELS = 2 ** 19;

export class PooledVectors {
  /** Scene and window of each tile. */
  readonly tiles: readonly { scene: number; window: RasterWindow }[];
  private readonly model: Model;
  private readonly vectors: tf.Tensor2D;

  private constructor(model: Model, tiles: PooledVectors['tiles'], vectors: tf.Tensor2D) {
    this.model = model;
    this.tiles = tiles;
    this.vectors = vectors;
  }

  /** Embeds all tiles of a gallery. @throws the signal's reason when it is aborted. */
  static async of(gallery: Gallery, model: Model, side: number, signal?: AbortSignal): Promise<PooledVectors> {
    const tiles = gallery.facts.scenes.flatMap(({ width, height }, scene) =>
      positions(height, side).flatMap((row) =>
        positions(width, side).map((column) => ({ scene, window: { column, row, width: side, height: side } })),
      ),
    );
    const parts: Float32Array[] = [];
    const size = Math.max(1, Math.floor(PASS_PIXELS / side ** 2));
    for (let start = 0; start < tiles.length; start += size) {
      await pause(signal);
      const pass: Raster[] = [];
      for (const { scene, window } of tiles.slice(start, start + size)) {
        pass.push(await (await gallery.scene(scene)).read(window));
      }
      parts.push(await describe(model, gallery.facts.modality, pass));
    }
    const all = concatenate(parts);
    return new PooledVectors(model, tiles, tf.tensor2d(all, [tiles.length, all.length / tiles.length]));
  }

  /** The k tiles of descending cosine. */
  async nearest(sensor: Sensor, patch: Raster, k: number): Promise<Ranked[]> {
    const own = await describe(this.model, sensor, [patch]);
    const product = tf.tidy(() => tf.matMul(this.vectors, tf.tensor2d(own, [own.length, 1])));
    const top = new TopK(k);
    top.add(await product.data(), 0);
    product.dispose();
    return top.list();
  }

  dispose(): void {
    this.vectors.dispose();
  }
}

const positions = (length: number, side: number): number[] =>
  Array.from({ length: Math.max(0, Math.floor((length - side) / POOLED_STRIDE) + 1) }, (_, i) => i * POOLED_STRIDE);

/** Unit vectors of rasters of one size, [n, 128] row by row. */
async function describe(model: Model, sensor: Sensor, rasters: readonly Raster[]): Promise<Float32Array> {
  const { height, width } = rasters[0]!;
  const samples = concatenate(rasters.map((raster) => samplesFor(model, sensor, raster, 'a tile')));
  const vectors = tf.tidy(() => {
    const patches = tf.tensor4d(samples, [rasters.length, height, width, bandsFor(model, sensor)]);
    const all = model.scorer.halves!.features(patches, sensor);
    return tf.div(all, tf.maximum(tf.norm(all, 'euclidean', 1, true), 1e-12));
  });
  const values = (await vectors.data()) as Float32Array;
  vectors.dispose();
  return values;
}
