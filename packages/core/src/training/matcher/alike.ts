/**
 * Anchors that are alike: of one place, or of other ground that looks the same to the matcher that a run starts from, or
 * to a generator. A batch that holds several of them has hard negatives among its own pairs, which cost nothing.
 *
 * Look-alikes are sought once, at the start of a run, and kept in its folder, so that a resumed run has the same ones.
 */
import * as tf from '@tensorflow/tfjs-core';
import { concatenate } from '../../base/concatenate.ts';
import { UsageError } from '../../errors.ts';
import { checkGenerator, codesOf } from '../../generator/make_patches.ts';
import { readGeneratorFile } from '../../generator/named_generators.ts';
import { openGenerator } from '../../generator/open.ts';
import { remakerOf } from '../../generator/remake.ts';
import { createScorer } from '../../matcher/scorer.ts';
import { PatchFeatures } from '../../mining/blocks/patch_features.ts';
import { forEachLikeness, highestAllowed } from '../../mining/likeness.ts';
import { onFirst } from '../../processes/agreement.ts';
import { ALONE } from '../../processes/communicator.ts';
import { disposing } from '../../runs/resumable_run.ts';
import { joinPath, readText } from '../../store.ts';
import type { Given } from './given.ts';
import type { AlikeSettings } from './hard_settings.ts';
import type { Learner } from './learner.ts';
import type { AlikeAnchors } from './sampler.ts';

/** Nearest anchors that are kept for each, times the number of them in a batch. */
const CHOICE = 4;

/**
 * @throws UsageError if the features of a matcher without separate streams are asked for, the share asks for fewer than two
 * anchors, or no anchor has another that is like it. @throws FileError, CheckpointError, UsageError and SplitError if a
 * generator cannot be opened, does not fit, or was trained on a place that validates or tests.
 */
export async function alikeAnchors(given: Given, learner: Learner): Promise<AlikeAnchors | undefined> {
  const { alike, positives } = given.config.batch;
  if (!alike) return undefined;
  const count = Math.round(alike.share * positives);
  if (count < 2) throw tooFew(count, positives);
  if (alike.by === 'place') return partnersIn({ count, of: ofPlaces(given) }, alike.by);
  const file = joinPath(given.folder.path, 'alike.json');
  const { store, communicator = ALONE, signal } = given.task;
  const seek = async () => {
    const rows = alike.generator ? await codes(given, alike.generator) : await features(given, learner);
    const found = partnersIn({ count, of: await lookAlikes(given, rows, CHOICE * count) }, alike.by);
    return store.write(file, JSON.stringify([...found.of]));
  };
  if (!given.last) await onFirst(communicator, seek, signal);
  const of = new Map(JSON.parse(await readText(store, file)) as [number, number[]][]);
  return { count, of };
}

/** The anchors as they are. @throws UsageError if none has a partner: batches would be those of no look-alikes. */
function partnersIn(anchors: AlikeAnchors, by: AlikeSettings['by']): AlikeAnchors {
  if ([...anchors.of.values()].some((others) => others.length > 0)) return anchors;
  throw new UsageError({
    action: 'make batches of anchors that are alike',
    expected: by === 'place' ? 'two pairs of one place whose ground does not overlap' : 'two pairs of different ground',
    found: 'none in the training split',
    remedy:
      by === 'place' ? 'Set "batch.alike.by" to features or code.' : 'Leave out "batch.alike", or import more places.',
  });
}

/** Anchors of the same place whose ground does not overlap. */
function ofPlaces({ pairs: { anchors, guard }, task }: Given): Map<number, number[]> {
  const { records } = task.dataset;
  const byPlace = new Map<string, number[]>();
  for (const anchor of anchors) {
    const { group } = records[anchor]!;
    byPlace.set(group, [...(byPlace.get(group) ?? []), anchor]);
  }
  return new Map(
    anchors.map((anchor) => {
      const others = byPlace.get(records[anchor]!.group)!;
      return [anchor, others.filter((other) => !guard.conflict(anchor, other))];
    }),
  );
}

/** Features of the anchors' SAR patches, [anchors, d]. */
function features({ pairs, patches, shape, task }: Given, { matcher }: Learner): Promise<tf.Tensor> {
  return disposing(createScorer(matcher), ({ halves }) => {
    if (!halves) throw noStreams(matcher.config.preset);
    const bench = { patches, model: { info: shape } };
    const stream = (sar: tf.Tensor4D) => halves.features(sar, 'sar');
    return new PatchFeatures(stream, 'sar', bench, { signal: task.signal, keepBytes: 0 }).of(pairs.anchors);
  });
}

/** Codes of the anchors' SAR patches, [anchors, latent]. @param name of a generator of the box, or a file. */
async function codes({ pairs, patches, normalisation, config, folder, task }: Given, name: string): Promise<tf.Tensor> {
  const { store, dataset, signal } = task;
  return disposing(await openGenerator(await readGeneratorFile(store, name), name), async (generator) => {
    for (const warning of checkGenerator(generator, normalisation, dataset)) await folder.log(`warning: ${warning}`);
    await folder.log(`look-alikes by the codes of ${name}, ${generator.info.fingerprint}`);
    const remaker = remakerOf(generator, dataset, config.seed);
    const maker = { generator, normalisation, patches, match: 'none', remaker, signal } as const;
    const found = await codesOf(maker, pairs.anchors);
    return tf.tensor2d(concatenate(found), [found.length, generator.info.latent]);
  });
}

/** Anchors of other ground with the most similar rows, by anchor. Disposes of the rows. */
async function lookAlikes({ pairs, task }: Given, rows: tf.Tensor, count: number): Promise<Map<number, number[]>> {
  const { anchors, guard } = pairs;
  const { signal } = task;
  const found = new Map<number, number[]>();
  await disposing(centredRows(rows), (unit) => {
    const rowsFrom = (start: number, end: number) => tf.slice(unit, [start, 0], [end - start, -1]);
    return forEachLikeness({ count: anchors.length, rowsFrom }, unit, signal, (row, likeness) => {
      const anchor = anchors[row]!;
      const nearest = highestAllowed(likeness, count, (i) => !guard.conflict(anchor, anchors[i]!));
      found.set(
        anchor,
        nearest.map((i) => anchors[i]!),
      );
    });
  });
  return found;
}

/** Rows without their mean, of length 1. Disposes of the rows. */
function centredRows(rows: tf.Tensor): tf.Tensor2D {
  const unit = tf.tidy(() => {
    const centred = tf.sub(rows, tf.mean(rows, 0, true));
    return tf.div(centred, tf.add(tf.norm(centred, 2, 1, true), 1e-12)) as tf.Tensor2D;
  });
  rows.dispose();
  return unit;
}

const noStreams = (preset: string) =>
  new UsageError({
    action: `make batches of look-alikes for ${preset}`,
    expected: 'an architecture with a stream for each sensor',
    found: 'one that both patches enter together',
    remedy: 'Set "batch.alike.by" to place or code.',
  });

const tooFew = (count: number, positives: number) =>
  new UsageError({
    action: 'make batches of anchors that are alike',
    expected: 'a share of the batch that is at least two anchors',
    found: `${count} of ${positives}`,
    remedy: 'Raise "batch.alike.share" or "batch.positives".',
  });
