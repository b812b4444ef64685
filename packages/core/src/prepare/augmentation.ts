/**
 * Variants of a pair for training. Both patches are flipped, turned and shifted alike, or they would not show the same
 * ground any more. New speckle is added to the SAR patch only.
 */
import { z } from 'zod';
import { Rng } from '../base/random.ts';
import { PatchError } from '../errors.ts';
import type { Raster } from '../raster/raster.ts';
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
  const data = new Float32Array(raster.data.length);
  const noData = raster.noData && new Uint8Array(raster.noData.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const to = row * width + column;
      const from = sourceOf(row, column, raster, { flip, turns, shift });
      for (let band = 0; band < bands; band++) data[to * bands + band] = raster.data[from * bands + band]!;
      if (noData) noData[to] = raster.noData![from]!;
    }
  }
  return { ...{ data, width, height, bands, unit }, ...(noData && { noData }) };
}

/** The pixel that comes to (row, column): the moves undone, last one first. */
function sourceOf(
  row: number,
  column: number,
  { width, height }: Raster,
  { flip, turns, shift }: Pick<Augmentation, 'flip' | 'turns' | 'shift'>,
): number {
  let [r, c] = [row, column];
  // Counter-clockwise by a right angle: what was at (c, side − 1 − r) comes to (r, c).
  if (turns === 1) [r, c] = [column, width - 1 - row];
  else if (turns === 2) [r, c] = [height - 1 - row, width - 1 - column];
  else if (turns === 3) [r, c] = [height - 1 - column, row];
  if (flip) c = width - 1 - c;
  return mirrored(r - shift.rows, height) * width + mirrored(c - shift.columns, width);
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
