/** Patches of a report: generated ones, real ones beside them, and their nearest training patches. */

import { type PatchStack, patchAt, type ShownPatches } from '@doppel/core/generator';
import type { Raster } from '@doppel/core/raster';
import { pairsSheet } from '../pictures/pairs_sheet.ts';
import { patchGrid } from '../pictures/patch_grid.ts';
import { dataUri, pictureOf } from '../pictures/picture.ts';

/** A patch beside another, as sources of images. */
export interface PicturePair {
  left: string;
  right: string;
  caption: string;
}

export interface QualityPictures {
  generated: string[];
  real: string[];
  /** A training patch and G(E(x)). */
  reconstructions: PicturePair[];
  /** A generated patch and the training patch nearest to it, the nearest first. */
  nearest: PicturePair[];
}

/** Pairs of patches as PNG sheets, by file name. */
export type QualitySheets = Record<'samples.png' | 'reconstructions.png' | 'nearest.png', Uint8Array> & {
  /** One column for each move of held-out patches: source, ground, reconstruction, and the moves. */
  'moves.png'?: Uint8Array;
};

const SAMPLES = 32;
const PAIRS = 16;

/** Raster of prepared samples, which do not depend on the unit. */
export function rasterAt(stack: PatchStack, row: number): Raster {
  const { side } = stack;
  return { data: patchAt(stack, row), width: side, height: side, bands: 1, unit: 'digital number' };
}

interface Shown {
  shown: ShownPatches;
  /** Ids by record. */
  records: readonly { id: string }[];
  /** A prepared training patch, by record. */
  training(record: number): Promise<Float32Array>;
}

export async function qualityPictures(task: Shown): Promise<{ pictures: QualityPictures; sheets: QualitySheets }> {
  const { shown, records } = task;
  const { generated, reconstructed, training, heldOutA, heldOutB } = shown.sets;
  const first = (stack: PatchStack, count: number) =>
    Array.from({ length: Math.min(count, stack.count) }, (_, row) => rasterAt(stack, row));
  const samples = first(generated, SAMPLES);
  const real = [...first(heldOutA, SAMPLES / 2), ...first(heldOutB, SAMPLES / 2)];
  const originals = first(training, PAIRS);
  const again = first(reconstructed, PAIRS);
  const near = shown.nearest.toSorted((a, b) => a.distance - b.distance || a.row - b.row).slice(0, PAIRS);
  const made = near.map(({ row }) => rasterAt(generated, row));
  const source = (raster: Raster) => dataUri(pictureOf(raster));
  const learned: Raster[] = [];
  for (const { record } of near) {
    const { side } = generated;
    const data = await task.training(record);
    learned.push({ data, width: side, height: side, bands: 1, unit: 'digital number' });
  }
  const sheet = (left: readonly Raster[], right: readonly Raster[]) =>
    pairsSheet(left.slice(0, right.length).map((sar, i) => ({ sar, optical: right[i]! })));
  return {
    pictures: {
      generated: samples.map(source),
      real: real.map(source),
      reconstructions: originals.map((raster, i) => ({
        ...{ left: source(raster), right: source(again[i]!) },
        caption: records[shown.records.training[i]!]!.id,
      })),
      nearest: near.map(({ record, distance }, i) => ({
        ...{ left: source(made[i]!), right: source(learned[i]!) },
        caption: `${records[record]!.id}, distance ${distance.toFixed(3)}`,
      })),
    },
    sheets: {
      'samples.png': sheet(samples, real),
      'reconstructions.png': sheet(originals, again),
      'nearest.png': sheet(made, learned),
      ...(shown.moves && { 'moves.png': movesGrid(shown.moves) }),
    },
  };
}

/** One column a move. */
const movesGrid = (moves: NonNullable<ShownPatches['moves']>): Uint8Array =>
  patchGrid(
    moves.map(({ patches }) => patches),
    { side: moves[0]!.patches.side, columns: 1 },
  );
