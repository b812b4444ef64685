/**
 * `generated`: for each anchor a SAR patch that resembles its own and shows something else. The generator encodes the
 * true patch, the rule moves its code in latent space (generator/latent.ts), and the decoder generates the patch. The
 * matcher's score is recorded but not used for selection, unlike in `adaptive`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Quantiles } from '../../base/quantiles.ts';
import { checkGenerator, type Encoded, forEachEncoded } from '../../generator/make_patches.ts';
import { matchSchema } from '../../generator/match_histogram.ts';
import { editSchema, MOVE_RULES } from '../../generator/moves.ts';
import { CodeMover, generatorOf, MadeList, makePatches, makerOf } from '../made.ts';
import { refuseContradictions } from '../made_settings.ts';
import { isMade } from '../negatives.ts';
import { truePairs } from '../pair_scores.ts';
import { anchorsOf } from '../plan.ts';
import type { Bench, MiningReport, Negatives, Strategy, Watch } from '../strategy.ts';
import { summaryOf } from '../tally.ts';

const settings = z
  .strictObject({
    rule: z.enum(MOVE_RULES).default('sigma').meta({ description: 'How patches are moved in latent space' }),
    strength: z.number().positive().default(1).meta({ description: 'Strength of the rule' }),
    k: z.int().min(1).max(1000).default(1).meta({ description: 'Made patches for each anchor' }),
    edit: editSchema,
    match: matchSchema,
    reconstructions: z
      .boolean()
      .default(false)
      .meta({ description: 'Also make G(E(x)) for each anchor, positives in training' }),
  })
  .refine(({ rule, k }) => k === 1 || rule !== 'sigma', {
    path: ['k'],
    message: 'the rule sigma moves a patch one way only, so k is 1; rule sample makes several',
  })
  .superRefine(refuseContradictions);
export type GeneratedSettings = z.infer<typeof settings>;

export interface GeneratedReport extends MiningReport {
  negatives: number;
  reconstructions: number;
  quantiles: {
    /** Probabilities of a match: true pairs, made negatives, reconstructions. */
    positives?: Quantiles | undefined;
    negatives?: Quantiles | undefined;
    reconstructions?: Quantiles | undefined;
    /** Distances of the made patches from the true ones; see patch_distance.ts. */
    distances?: Quantiles | undefined;
  };
  seconds: number;
  warnings: string[];
}

export const generated = {
  name: 'generated',
  description: 'SAR patches that a generator makes from the true one',
  settings,
  trainingOnly: true,
  unit: 'anchors',
  needsGenerator: () => true,
  find,
} satisfies Strategy<GeneratedSettings>;

async function find(
  bench: Bench,
  settings: GeneratedSettings,
  watch: Watch,
): Promise<Negatives & { report: GeneratedReport }> {
  const start = performance.now();
  const { rule, strength, k, edit, match, reconstructions } = settings;
  const generator = generatorOf(bench, 'generated');
  const warnings = checkGenerator(generator, bench.model.normalisation, bench.dataset);
  const anchors = anchorsOf(bench.dataset, bench.split);
  const maker = makerOf(generator, { match, edit }, bench, watch);
  const mover = new CodeMover(rule, maker, bench);
  const list = new MadeList();

  async function add(
    z: tf.Tensor2D,
    batch: readonly number[],
    positives: readonly number[],
    rank: number | undefined,
    encoded: Encoded,
  ) {
    const made = await makePatches(maker, z, batch, bench, watch, { encoded, draw: rank ?? k });
    z.dispose();
    made.forEach(({ patch, probability, distance, changed }, i) => {
      list.addMade(patch, {
        ...{ optical: batch[i]!, label: rank === undefined ? 1 : 0, positiveScore: positives[i]! },
        ...{ probability, rank: rank ?? 0, distance, changed },
        reason: rank === undefined ? 'reconstruction' : `generated: ${rule}, strength ${strength}`,
      });
    });
  }

  await forEachEncoded(maker, anchors, async (latents, batch, first, encoded) => {
    const positives = await truePairs(batch, bench, watch);
    for (let draw = 0; draw < k; draw++)
      await add(await mover.move(latents, batch, strength, draw), batch, positives, draw, encoded);
    if (reconstructions) await add(tf.clone(latents.mu), batch, positives, undefined, encoded);
    watch.onProgress?.(first + batch.length, anchors.length);
  });
  return {
    header: list.header('generated', bench, { k, match, rule, strength, ...(edit !== 'whole' && { edit }) }),
    negatives: list.negatives,
    patches: list.stack(bench.model.info.side),
    report: reportOf(list, anchors.length, (performance.now() - start) / 1000, warnings),
  };
}

function reportOf(list: MadeList, anchors: number, seconds: number, warnings: string[]): GeneratedReport {
  const made = list.negatives.filter(isMade);
  const negatives = made.filter(({ label }) => label === 0);
  const reconstructions = made.filter(({ label }) => label === 1);
  return {
    negatives: negatives.length,
    reconstructions: reconstructions.length,
    anchors,
    quantiles: {
      positives: summaryOf(negatives.filter(({ rank }) => rank === 0).map(({ positiveScore }) => positiveScore)),
      negatives: summaryOf(negatives.map(({ probability }) => probability)),
      reconstructions: summaryOf(reconstructions.map(({ probability }) => probability)),
      distances: summaryOf(negatives.map(({ distance }) => distance)),
    },
    ...{ seconds, warnings },
  };
}
