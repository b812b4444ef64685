/** Held-out patches beside what each move makes of them, to look at. */
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from '../../dataset/dataset.ts';
import { placeGuard } from '../../dataset/place_guard.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import type { Raster } from '../../raster/raster.ts';
import { blended, enlarged } from '../blend.ts';
import { type Donor, Donors } from '../donors.ts';
import { latentNoise, moveLatents } from '../latent.ts';
import { blob, type MoveRule, movedTowards, needsDonor } from '../moves.ts';
import { type PatchStack, stackOf } from '../patch_stack.ts';
import { type GrainGenerator, Remaker, type Source } from '../remake.ts';

/** Column of the sheet: what is made of each source. */
export interface MovesColumn {
  name: string;
  patches: PatchStack;
}

const MOVES: readonly { rule: MoveRule; strength: number; edit: 'whole' | 'ratio' }[] = [
  { rule: 'sample', strength: 1, edit: 'whole' },
  { rule: 'swap', strength: 0.25, edit: 'whole' },
  { rule: 'mix', strength: 0.5, edit: 'whole' },
  { rule: 'swap', strength: 0.25, edit: 'ratio' },
  { rule: 'mix', strength: 0.5, edit: 'ratio' },
];

/** @param records sources. @param others records that donors are chosen among. */
export async function movesSheet(
  generator: GrainGenerator,
  dataset: Dataset,
  { records, others, seed }: { records: readonly number[]; others: readonly number[]; seed: number },
): Promise<MovesColumn[]> {
  const { normalisation, side, cells } = generator.info;
  const remaker = new Remaker(generator, dataset, seed);
  const donors = new Donors({
    ...{ records: others, seed, guard: placeGuard(dataset.records) },
    describe: (some) => remaker.codes(some),
  });
  const { latents, sources } = await remaker.sources(records);
  const codes = await remaker.codes(records);
  const near = await Promise.all(records.map((record, i) => donors.of(record, codes[i]!, 0)));
  const column = (name: string, rasters: readonly Raster[]): MovesColumn => ({
    name,
    patches: stackOf(
      rasters.map((raster) => preparePatch(raster, 'sar', normalisation, 'a made patch')),
      side,
    ),
  });
  const own = sources.map(({ ground }) => ground);
  const ground = {
    name: 'ground',
    patches: stackOf(
      own.map((maps) => generator.grain.crop(maps.reflectivity)),
      side,
    ),
  };
  const columns = [
    column(
      'source',
      sources.map(({ raster }) => raster),
    ),
    ground,
    column(
      'reconstruction',
      sources.map((source, i) => remaker.whole(source, own[i]!, 0)),
    ),
  ];
  for (const move of MOVES) {
    const z = moved(move, latents, codes, near, { records, seed, cells: cells! });
    const grounds = await generator.grain.ground(z);
    z.dispose();
    const made = sources.map((source, i) => remaker.make(move.edit, source, grounds[i]!, 1));
    columns.push(column(`${move.rule} ${move.strength}${move.edit === 'ratio' ? ', ratio' : ''}`, made));
  }
  tf.dispose([latents.mu, latents.logvar]);
  const mixed = await Promise.all(sources.map((source, i) => blobOf(source, near[i], dataset, seed)));
  return [...columns, column('blocks 0.25', mixed)];
}

function moved(
  { rule, strength }: (typeof MOVES)[number],
  latents: { mu: tf.Tensor2D; logvar: tf.Tensor2D },
  codes: readonly Float32Array[],
  near: readonly (Donor | undefined)[],
  { records, seed, cells }: { records: readonly number[]; seed: number; cells: number },
): tf.Tensor2D {
  const shape: [number, number] = [records.length, codes[0]!.length];
  if (!needsDonor(rule)) {
    return tf.tidy(() =>
      moveLatents(latents, rule, strength, tf.tensor2d(latentNoise(records, 0, shape[1], seed), shape)),
    );
  }
  const all = records.flatMap((record, i) => {
    const pair = { own: codes[i]!, donor: near[i]?.description ?? codes[i]! };
    return [...movedTowards(pair, { rule, strength }, cells, { seed, record, draw: 0 })];
  });
  return tf.tensor2d(all, shape);
}

async function blobOf({ raster }: Source, donor: Donor | undefined, dataset: Dataset, seed: number): Promise<Raster> {
  if (!donor) return raster;
  const weights = blob(Math.max(1, Math.ceil(raster.width / 8)), 0.25, { seed: seed + donor.record, offset: 0 });
  return blended(raster, await dataset.readSar(donor.record), enlarged(weights, raster.width));
}
