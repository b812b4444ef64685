/**
 * `placebo`: made patches that are no hard negatives, for experiments. What they do to a matcher is due to their having
 * been made, not to what they show:
 *
 * - `reconstruction`: the reconstruction of a patch of other ground, drawn at random
 * - `blur`: the anchor's own patch behind a Gaussian filter, which counts as changed throughout: means of blocks do not
 *   show what it takes away
 */
import { z } from 'zod';
import { Rng } from '../../base/random.ts';
import { checkGenerator, decodeFor, forEachEncoded } from '../../generator/make_patches.ts';
import { preparePatch } from '../../prepare/prepared_patches.ts';
import { blurred } from '../blurred.ts';
import { generatorOf, MadeList, type MadePatch, makerOf, noDonor, sarReader, scored } from '../made.ts';
import { truePairs } from '../pair_scores.ts';
import { anchorsOf } from '../plan.ts';
import type { Bench, Negatives, Strategy, Watch } from '../strategy.ts';
import { summaryOf } from '../tally.ts';

const KINDS = ['reconstruction', 'blur'] as const;

const settings = z.strictObject({
  kind: z.enum(KINDS).default('reconstruction').meta({ description: 'What is made' }),
  deviation: z.number().positive().max(8).default(1.5).meta({ description: 'Deviation of the filter in pixels' }),
});
export type PlaceboSettings = z.infer<typeof settings>;

export const placebo = {
  name: 'placebo',
  description: 'Controls: patches that are made, but not hard',
  settings,
  trainingOnly: true,
  unit: 'anchors',
  needsGenerator: ({ kind }) => kind === 'reconstruction',
  find,
} satisfies Strategy<PlaceboSettings>;

const BATCH = 32;

async function find(bench: Bench, { kind, deviation }: PlaceboSettings, watch: Watch): Promise<Negatives> {
  const anchors = anchorsOf(bench.dataset, bench.split);
  const list = new MadeList();
  const add = async (drawn: readonly Float32Array[], start: number) => {
    const batch = anchors.slice(start, start + drawn.length);
    const [positives, made] = [await truePairs(batch, bench, watch), await scored(drawn, batch, bench, watch)];
    listAll(list, kind, batch, positives, made);
    watch.onProgress?.(start + batch.length, anchors.length);
  };
  if (kind === 'blur') {
    const blurredPatch = blurrer(bench, deviation);
    for (let start = 0; start < anchors.length; start += BATCH) {
      await add(await Promise.all(anchors.slice(start, start + BATCH).map(blurredPatch)), start);
    }
  } else {
    await reconstructed(anchors, bench, watch, add);
  }
  const own = kind === 'blur' ? { ...bench, generator: undefined } : bench;
  return {
    header: list.header('placebo', own, { k: 1, match: 'none', kind, ...(kind === 'blur' && { deviation }) }),
    negatives: list.negatives,
    patches: list.stack(bench.model.info.side),
    report: {
      ...{ anchors: anchors.length, negatives: list.negatives.length },
      quantiles: { negatives: summaryOf(list.negatives.map(({ probability }) => probability)) },
    },
  };
}

function listAll(
  list: MadeList,
  kind: string,
  batch: readonly number[],
  positives: readonly number[],
  made: readonly MadePatch[],
): void {
  made.forEach(({ patch, ...figures }, i) => {
    const pair = { optical: batch[i]!, label: 0, positiveScore: positives[i]!, rank: 0 } as const;
    const changed = kind === 'blur' ? 1 : figures.changed;
    list.addMade(patch, { ...pair, ...figures, changed, reason: `placebo: ${kind}` });
  });
}

/** Reconstructions of patches of other ground, one for each anchor, batch by batch. */
async function reconstructed(
  anchors: readonly number[],
  bench: Bench,
  watch: Watch,
  add: (drawn: readonly Float32Array[], start: number) => Promise<void>,
): Promise<void> {
  const generator = generatorOf(bench, 'placebo');
  checkGenerator(generator, bench.model.normalisation, bench.dataset);
  const maker = makerOf(generator, { match: 'none' }, bench, watch);
  const others = anchors.map((anchor) => otherGround(anchor, anchors, bench));
  await forEachEncoded(maker, others, async ({ mu }, batch, start, encoded) => {
    await add(await decodeFor(maker, mu, batch, encoded, 0), start);
  });
}

function otherGround(anchor: number, anchors: readonly number[], { guard, seed, dataset }: Bench): number {
  const rng = Rng.derive(seed, 'placebo', anchor);
  const start = rng.int(anchors.length);
  for (let i = 0; i < anchors.length; i++) {
    const other = anchors[(start + i) % anchors.length]!;
    if (!guard.conflict(other, anchor)) return other;
  }
  throw noDonor(dataset.records[anchor]!.id);
}

function blurrer(bench: Bench, deviation: number): (record: number) => Promise<Float32Array> {
  const { dataset, model } = bench;
  const readSar = sarReader(bench, 'placebo');
  return async (record) => {
    const raster = blurred(await readSar(record), deviation, model.normalisation.sar.source);
    return preparePatch(raster, 'sar', model.normalisation, dataset.records[record]!.sar);
  };
}
