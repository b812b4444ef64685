/**
 * Variants of a pair for training. Both patches are flipped, turned and shifted alike, or they would not show the same
 * ground any more. New speckle is added to the SAR patch only.
 */
import { z } from 'zod';
import { Rng } from '../base/random.ts';
import { PatchError } from '../errors.ts';
import type { Raster } from '../raster/raster.ts';
import { type Grid, turned } from '../raster/turned.ts';
import type { Modality } from './normalisation.ts';

export const augmentationSchema = z.strictObject({
  /** Mirror with a chance of one half. */
  flips: z.boolean(),
  /** Turns by 0, 1, 2 or 3 right angles. */
  turns: z.boolean(),
  /** Largest shift in each direction in pixels; the edge is filled by reflection. */
  shift: z.int().nonnegative(),
  /** Number of looks of the multiplicative speckle on the SAR patch; null: none. */
  speckleLooks: z.number().positive().nullable(),
});
export type AugmentationConfig = z.infer<typeof augmentationSchema>;

export interface Augmentation {
  flip: boolean;
  /** Right angles, counter-clockwise. */
  turns: number;
  /** Pixels that the content moves to the right and down. */
  shift: { columns: number; rows: number };
  speckle: { looks: number; seed: number } | null;
}

export function drawAugmentation(rng: Rng, { flips, turns, shift, speckleLooks }: AugmentationConfig): Augmentation {
  const offset = () => (shift > 0 ? rng.int(2 * shift + 1) - shift : 0);
  return {
    flip: flips && rng.int(2) === 1,
    turns: turns ? rng.int(4) : 0,
    shift: { columns: offset(), rows: offset() },
    speckle: speckleLooks === null ? null : { looks: speckleLooks, seed: rng.int(2 ** 31) },
  };
}

/**
 * Applies an augmentation: a new raster without its place on the ground, which no longer holds; the given one if nothing
 * changes.
 *
 * @throws PatchError where speckle is asked for a SAR patch whose unit is not known, or a patch to be turned is no
 * square.
 */
export function augment(raster: Raster, modality: Modality, augmentation: Augmentation): Raster {
  const moved = move(raster, augmentation);
  const { speckle } = augmentation;
  return modality === 'sar' && speckle ? addSpeckle(moved, speckle.looks, Rng.derive(speckle.seed, 'speckle')) : moved;
}

/** Shifted, then flipped, then turned. */
function move(raster: Raster, { flip, turns, shift }: Augmentation): Raster {
  const { width, height, bands, unit } = raster;
  if (!flip && turns === 0 && shift.columns === 0 && shift.rows === 0) return raster;
  if (turns % 2 === 1 && width !== height) {
    const found = `${width} × ${height} pixels`;
    throw new PatchError({ action: 'turn a patch by a right angle', expected: 'a square', found });
  }
  const moved = <T extends Float32Array | Uint8Array>(samples: T, channels: number) =>
    turned(shifted({ data: samples, width, height, channels }, shift), { flip, turns }).data;
  const data = moved(raster.data, bands);
  return { ...{ data, width, height, bands, unit }, ...(raster.noData && { noData: moved(raster.noData, 1) }) };
}

/** The content moved, with the edge filled by reflection. */
function shifted<T extends Float32Array | Uint8Array>(
  grid: Grid<T>,
  { columns, rows }: Augmentation['shift'],
): Grid<T> {
  if (columns === 0 && rows === 0) return grid;
  const { width, height, channels } = grid;
  const data = grid.data.slice() as T;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = mirrored(row - rows, height) * width + mirrored(column - columns, width);
      for (let k = 0; k < channels; k++) data[(row * width + column) * channels + k] = grid.data[from * channels + k]!;
    }
  }
  return { ...grid, data };
}

/** …2 1 0 | 0 1 2 … n−1 | n−1 n−2… */
function mirrored(position: number, length: number): number {
  const phase = ((position % (2 * length)) + 2 * length) % (2 * length);
  return phase < length ? phase : 2 * length - 1 - phase;
}

/**
 * Fully developed speckle of L looks: intensity times gamma(L) / L, of mean 1 and variance 1/L (Goodman, Some
 * fundamental properties of speckle, 1976), in the patch's own unit.
 */
function addSpeckle(raster: Raster, looks: number, rng: Rng): Raster {
  const apply = speckleIn(raster.unit);
  return { ...raster, data: raster.data.map((value) => apply(value, rng.gamma(looks) / looks)) };
}

function speckleIn(unit: Raster['unit']): (value: number, factor: number) => number {
  if (unit === 'intensity') return (value, factor) => value * factor;
  if (unit === 'amplitude') return (value, factor) => value * Math.sqrt(factor);
  if (unit === 'dB') return (value, factor) => value + 10 * Math.log10(factor);
  throw new PatchError({
    action: 'add speckle to a SAR patch',
    expected: 'samples in dB, amplitude or intensity',
    found: unit,
    remedy: 'Import the data with --unit, or leave speckleLooks out (null).',
  });
}
