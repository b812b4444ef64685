/** Held-out patches beside what each move makes of them, to look at. */
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from '../../dataset/dataset.ts';
import { placeGuard } from '../../dataset/place_guard.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import type { Raster } from '../../raster/raster.ts';
import { withBlob } from '../blend.ts';
import { type Donor, Donors } from '../donors.ts';
import { type MoveRule, movedCodes } from '../moves.ts';
import { type PatchStack, stackOf } from '../patch_stack.ts';
import { type GrainGenerator, Remaker } from '../remake.ts';

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

/** Share of the blob of real pixels. */
const BLOB = 0.25;

/**
 * Sheet of the sources that have a donor; undefined where none has.
 *
 * @param candidates sources. @param others records that donors are chosen among.
 */
export async function movesSheet(
  generator: GrainGenerator,
  dataset: Dataset,
  { candidates, others, seed }: { candidates: readonly number[]; others: readonly number[]; seed: number },
): Promise<MovesColumn[] | undefined> {
  const { normalisation, side, cells } = generator.info;
  const remaker = new Remaker(generator, dataset, seed);
  const donors = new Donors({
    ...{ records: others, seed, guard: placeGuard(dataset.records) },
    describe: (some) => remaker.codes(some),
  });
  const described = await remaker.codes(candidates);
  const pairs: { record: number; donor: Donor }[] = [];
  for (const [i, record] of candidates.entries()) {
    const donor = await donors.of(record, described[i]!, 0);
    if (donor) pairs.push({ record, donor });
  }
  if (pairs.length === 0) return undefined;
  const records = pairs.map(({ record }) => record);
  const { latents, sources } = await remaker.sources(records);
  const column = (name: string, rasters: readonly Raster[]): MovesColumn => ({
    name,
    patches: stackOf(
      rasters.map((raster) => preparePatch(raster, 'sar', normalisation, 'a made patch')),
      side,
    ),
  });
  const own = sources.map(({ ground }) => ground);
  const grounds = own.map(({ reflectivity }) => generator.grain.crop(reflectivity));
  const columns = [
    column(
      'source',
      sources.map(({ raster }) => raster),
    ),
    { name: 'ground', patches: stackOf(grounds, side) },
    column(
      'reconstruction',
      sources.map((source, i) => remaker.whole(source, own[i]!, 0)),
    ),
  ];
  const donorOf = async (record: number) => pairs.find((pair) => pair.record === record)!.donor.description;
  for (const move of MOVES) {
    const z = await movedCodes(latents, records, move, { seed, draw: 0, cells }, donorOf);
    const moved = await generator.grain.ground(z);
    z.dispose();
    const made = sources.map((source, i) => remaker.make(move.edit, source, moved[i]!, 1));
    columns.push(column(`${move.rule} ${move.strength}${move.edit === 'ratio' ? ', ratio' : ''}`, made));
  }
  tf.dispose([latents.mu, latents.logvar]);
  const mixed: Raster[] = [];
  for (const [i, { raster }] of sources.entries()) {
    const { record } = pairs[i]!.donor;
    const blob = { share: BLOB, unit: normalisation.sar.source, draw: { seed: seed + record, offset: 0 } };
    mixed.push(withBlob(raster, await dataset.readSar(record), blob));
  }
  return [...columns, column(`blocks ${BLOB}`, mixed)];
}
