/**
 * `blocks`: for each anchor its own SAR patch with a feathered blob of a real look-alike of other ground: pixels of real
 * patches throughout, and no network. In the blob the samples are x^(1−w)·d^w, linear in dB; elsewhere they stay as they
 * are, bit for bit. The sibling of an edit by a generator's ratio.
 */
import { z } from 'zod';
import { momentsOf } from '../../base/moments.ts';
import { hash32 } from '../../base/random.ts';
import { CELL_PIXELS, withBlob } from '../../generator/blend.ts';
import { blockMeans } from '../../generator/block_means.ts';
import { Donors } from '../../generator/donors.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import { MadeList, noDonor, sarReader, scored } from '../made.ts';
import { truePairs } from '../pair_scores.ts';
import { anchorsOf } from '../plan.ts';
import type { Bench, MiningReport, Negatives, Strategy, Watch } from '../strategy.ts';
import { summaryOf } from '../tally.ts';

const settings = z.strictObject({
  blob: z
    .number()
    .min(0.01)
    .max(0.9)
    .default(0.25)
    .meta({ description: 'Share of the patch that the blob of other ground takes' }),
  k: z.int().min(1).max(1000).default(1).meta({ description: 'Made patches for each anchor' }),
});
export type BlocksSettings = z.infer<typeof settings>;

export const blocks = {
  name: 'blocks',
  description: 'The true SAR patch with a blob of a real look-alike of other ground',
  settings,
  trainingOnly: true,
  unit: 'anchors',
  find,
} satisfies Strategy<BlocksSettings>;

const BATCH = 32;

async function find(bench: Bench, { blob, k }: BlocksSettings, watch: Watch): Promise<Negatives> {
  const { dataset, model, patches, guard, seed, split } = bench;
  const { side } = model.normalisation;
  const readSar = sarReader(bench, 'blocks');
  const anchors = anchorsOf(dataset, split);
  const describe = async (records: readonly number[]) =>
    (await Promise.all(records.map((record) => patches.sar(record)))).map((patch) => patternOf(patch, side));
  const donors = new Donors({ records: anchors, guard, seed, describe });
  const list = new MadeList();

  async function made(record: number, own: Float32Array, draw: number): Promise<Float32Array> {
    const donor = await donors.of(record, own, draw);
    if (!donor) throw noDonor(dataset.records[record]!.id);
    const drawn = { seed: hash32(JSON.stringify([seed, 'blob', record, draw])) >>> 0, offset: 0 };
    const [base, other] = await Promise.all([readSar(record), readSar(donor.record)]);
    const mixed = withBlob(base, other, { share: blob, unit: model.normalisation.sar.source, draw: drawn });
    return preparePatch(mixed, 'sar', model.normalisation, 'a made patch');
  }

  for (let start = 0; start < anchors.length; start += BATCH) {
    const batch = anchors.slice(start, start + BATCH);
    const [positives, patterns] = [await truePairs(batch, bench, watch), await describe(batch)];
    for (let draw = 0; draw < k; draw++) {
      const drawn = await Promise.all(batch.map((record, i) => made(record, patterns[i]!, draw)));
      const found = await scored(drawn, batch, bench, watch);
      found.forEach(({ patch, probability, distance, changed }, i) => {
        list.addMade(patch, {
          ...{ optical: batch[i]!, label: 0, positiveScore: positives[i]!, probability, rank: draw, distance, changed },
          reason: `blocks: blob ${blob}`,
        });
      });
    }
    watch.onProgress?.(start + batch.length, anchors.length);
  }
  return {
    header: list.header('blocks', bench, { k, match: 'none', blob }),
    negatives: list.negatives,
    patches: list.stack(model.info.side),
    report: reportOf(list, anchors.length),
  };
}

/** Means of 8 × 8 pixels, standardised: donors are alike in them. */
function patternOf(patch: Float32Array, side: number): Float32Array {
  const means = blockMeans(patch, side, Math.min(CELL_PIXELS, side));
  const { mean, std } = momentsOf(means);
  return means.map((value) => (value - mean) / (std > 0 ? std : 1));
}

function reportOf({ negatives }: MadeList, anchors: number): MiningReport {
  return {
    ...{ anchors, negatives: negatives.length },
    quantiles: {
      positives: summaryOf(negatives.filter(({ rank }) => rank === 0).map(({ positiveScore }) => positiveScore)),
      negatives: summaryOf(negatives.map(({ probability }) => probability)),
    },
  };
}
