/**
 * Adaptive mining during training (`negatives.adaptive`): hard negatives are mined with the current weights at the
 * start of a run and then every `everyEpochs` epochs. They are kept in the run's folder, so that a run resumed between
 * two minings uses the same ones.
 */

import type { PairList } from '../../dataset/dataset.ts';
import { UNCALIBRATED } from '../../matcher/calibration.ts';
import { createScorer } from '../../matcher/scorer.ts';
import type { RefreshSettings } from '../../mining/adaptive_settings.ts';
import { patchesFile, readNegatives, writeNegatives } from '../../mining/negatives_file.ts';
import { trainingOn } from '../../mining/plan.ts';
import { type AdaptiveReport, adaptive } from '../../mining/strategies/adaptive.ts';
import { onFirst } from '../../processes/agreement.ts';
import { ALONE } from '../../processes/communicator.ts';
import { disposing } from '../../runs/resumable_run.ts';
import { folderOf, joinPath } from '../../store.ts';
import { totalSteps } from './config.ts';
import type { Given } from './given.ts';
import { type RunNegatives, runNegativesOf } from './hard_negatives.ts';
import type { Run } from './run.ts';
import { anchorsMet } from './sampler.ts';

/** Negatives of the current epoch: those in use, those mined at its first step, or newly mined ones. */
export async function presentNegatives(run: Run): Promise<RunNegatives> {
  const { given, state, negatives } = run;
  const { task, config } = given;
  const { adaptive: settings } = config.negatives;
  if (!settings) return negatives;
  const epoch = Math.floor(state.epoch / settings.everyEpochs) * settings.everyEpochs;
  if (negatives.foundAt === epoch) return negatives;
  const file = negativesPath(given, epoch);
  const until = Math.min((epoch + settings.everyEpochs) * config.stepsPerEpoch, totalSteps(config));
  const isUnderWay = state.epoch > epoch || state.underway.steps > 0;
  if (!isUnderWay) {
    const find = () => findAgain(run, settings, { epoch, until, file });
    await onFirst(task.communicator ?? ALONE, find, task.signal);
  }
  const found = await readNegatives(task.store, file, task.dataset);
  return runNegativesOf(found, config.negatives, { at: epoch, until });
}

const negativesPath = ({ folder }: Given, epoch: number) =>
  joinPath(folder.path, 'negatives', `epoch-${epoch + 1}.jsonl`);

/** Mines with the current weights, and writes the negatives into the run's folder. */
async function findAgain(
  { given, learner, state, negatives: present, calibration, searches, alike }: Run,
  { generator: _, everyEpochs: __, anchors, ...settings }: RefreshSettings,
  { epoch, until, file }: { epoch: number; until: number; file: string },
): Promise<void> {
  const { task, config, normalisation, shape, patches, pairs } = given;
  const { store, dataset, signal } = task;
  const { reconstructions } = config.negatives;
  const met = anchors
    ? dataset
    : trainingOn<PairList>(
        dataset,
        anchorsMet(pairs.anchors, { seed: config.seed, positives: config.batch.positives, alike }, state.step, until),
      );
  const info = { ...shape, fingerprint: `step ${state.step}`, calibration: calibration ?? UNCALIBRATED };
  const found = await disposing(createScorer(learner.matcher), (scorer) =>
    adaptive.find(
      {
        ...{ store, split: 'train', dataset: met, patches, guard: pairs.guard, seed: config.seed + epoch },
        model: { scorer, normalisation, info },
        generator: settings.strengths.length > 0 ? task.generator : undefined,
      },
      { ...settings, reconstructions, anchors: anchors ?? undefined },
      { signal },
    ),
  );
  const { report } = found;
  const files = await writeNegatives(found, dataset.records, file);
  // The list is written last: where it exists, the patches do.
  for (const [name, content] of [...files].reverse()) await store.write(joinPath(folderOf(file), name), content);
  searches.push({ epoch: epoch + 1, ...report });
  await given.folder.log(describe(report));
  if (present.foundAt !== undefined) await removeNegatives(given, present.foundAt);
}

function describe({ anchors, chosen, dropped, seconds }: AdaptiveReport): string {
  const reasons = Object.entries(dropped).map(([why, n]) => `${n} ${why}`);
  return (
    `found ${chosen.real + chosen.made} negatives again for ${anchors} anchors (${chosen.made} made, ${chosen.real} real) ` +
    `in ${seconds.toFixed(0)} s; dropped: ${reasons.join(', ')}`
  );
}

/** Removes older negatives, which no checkpoint needs any more. */
async function removeNegatives(given: Given, epoch: number): Promise<void> {
  const file = negativesPath(given, epoch);
  await given.task.store.remove(file);
  await given.task.store.remove(patchesFile(file));
}
