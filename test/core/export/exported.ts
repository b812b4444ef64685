/** Checkpoints with random weights, and the runtimes that their exports are held against. */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { MatcherConfig } from '../../../packages/core/src/matcher/architecture.ts';
import { writeCheckpoint } from '../../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher, parseMatcherConfig } from '../../../packages/core/src/matcher/matcher.ts';
import type { Normalisation } from '../../../packages/core/src/prepare/normalisation.ts';
import type { Raster, Unit } from '../../../packages/core/src/raster/raster.ts';
import { type Values, valuesOf } from '../../../packages/core/src/runs/values.ts';

type Settings = Partial<MatcherConfig> & Record<string, unknown>;

const digital = 'digital number';

export interface NormalisationChanges {
  sar?: Partial<Normalisation['sar']>;
  optical?: Partial<Normalisation['optical']>;
}

/** What a run on gray 8-bit patches would record, with changes. */
export function normalisationOf(side: number, changes: NormalisationChanges = {}): Normalisation {
  const common = { clip: null, standardise: 'patch' } as const;
  return {
    ...{ version: 1, side },
    sar: { source: digital, unit: digital, bands: 1, speckleFilter: null, ...common, ...changes.sar },
    optical: { bands: 'gray', ...common, ...changes.optical },
  };
}

/** Checkpoint of a matcher whose statistics and shifts are random, too, so that folding them shows. */
export async function randomCheckpoint(settings: Settings, normalisation: Normalisation): Promise<Uint8Array> {
  const { side, optical } = normalisation;
  const bands = { sarBands: 1, opticalBands: optical.bands === 'rgb' ? 3 : 1 } as const;
  const config = parseMatcherConfig({ preset: 'dense', side, ...bands, ...settings });
  const matcher = createMatcher({ ...config, seed: 3 });
  const tensors = await valuesOf(new Map<string, tf.Tensor>([...matcher.parameters, ...matcher.statistics]));
  matcher.dispose();
  const rng = Rng.derive(3, config.preset);
  for (const [name, { data }] of tensors) {
    if (/\.(mean|beta|bias)$/.test(name)) tensors.get(name)!.data = data.map(() => 0.2 * rng.normal());
    if (/\.(variance|gamma)$/.test(name)) tensors.get(name)!.data = data.map(() => 0.5 + rng.float());
  }
  return checkpointOf(config, tensors, normalisation);
}

export const checkpointOf = (matcher: MatcherConfig, tensors: Map<string, Values>, normalisation: Normalisation) =>
  writeCheckpoint({
    ...{ matcher, tensors, normalisation, metrics: { validationAuc: 0.75 }, backend: tf.getBackend() },
    calibration: { temperature: 2, threshold: 0.4 },
    trainedOn: { folder: 'data', dataFingerprint: 'abc' },
    ...{ inputs: { from: null, negatives: null }, training: {} },
  });

export interface ImageOptions {
  height: number;
  width: number;
  bands?: number;
  unit?: Unit;
  /** Mean of the samples. */
  level?: number;
  /** Standard deviation of the samples over the mean. */
  contrast?: number;
  /** Share of the pixels that are missing. */
  missing?: number;
}

/** An image of smooth noise, by seed. */
export function image(seed: number, options: ImageOptions): Raster {
  const { height, width, bands = 1, unit = digital, level = 100, contrast = 0.4, missing = 0 } = options;
  const rng = Rng.derive(seed, 'image');
  const data = new Float32Array(height * width * bands);
  const noData = new Uint8Array(height * width);
  for (let pixel = 0; pixel < noData.length; pixel++) {
    const wave = Math.sin((pixel % width) * 0.3 + seed) * Math.cos(pixel / width / 5);
    noData[pixel] = rng.float() < missing ? 1 : 0;
    for (let band = 0; band < bands; band++) {
      data[pixel * bands + band] = level * (1 + contrast * (wave + 0.5 * rng.normal() + 0.2 * band));
    }
  }
  return { data, height, width, bands, unit, ...(missing > 0 && { noData }) };
}

/** Samples as an exported model takes them: [n, bands, height, width], NaN where they are missing. */
export function planes(images: readonly Raster[]): { data: Float32Array; dims: number[] } {
  const [{ height, width, bands }] = images as [Raster];
  const pixels = height * width;
  const data = new Float32Array(images.length * bands * pixels);
  for (const [n, raster] of images.entries()) {
    for (let i = 0; i < pixels * bands; i++) {
      const [pixel, band] = [Math.floor(i / bands), i % bands];
      data[(n * bands + band) * pixels + pixel] = raster.noData?.[pixel] ? Number.NaN : raster.data[i]!;
    }
  }
  return { data, dims: [images.length, bands, height, width] };
}
