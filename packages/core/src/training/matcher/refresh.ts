/**
 * Negatives that are found anew as the matcher learns (`negatives.adaptive`): at the start of a run, then after every so
 * many epochs, what is hard is asked of the present weights. They are kept in the run's folder, so that a run that is taken
 * up within these epochs goes on with the same ones.
 */

import { placeGuard } from '../../dataset/place_guard.ts';
import { createScorer } from '../../matcher/scorer.ts';
import { patchesFile, readTrainingNegatives, writeMade } from '../../mining/made_file.ts';
import { mineAdaptive } from '../../mining/strategies/adaptive.ts';
import { folderOf, joinPath } from '../../store.ts';
import { totalSteps } from './config.ts';
import { installNegatives, type Run } from './run.ts';
import { anchorsMet } from './sampler.ts';

/** Does nothing where negatives are not found anew, or not yet. */
export async function refreshNegatives(run: Run): Promise<void> {
  const { config, state, task } = run;
  const settings = config.negatives.adaptive;
  if (!settings) return;
  const epoch = Math.floor(state.epoch / settings.everyEpochs) * settings.everyEpochs;
  if (run.refreshed?.epoch === epoch) return;
  const file = negativesPath(run, epoch);
  const isUnderWay = state.epoch > epoch || state.underway.steps > 0;
  if (!isUnderWay) await findAnew(run, epoch, file);
  installNegatives(run, await readTrainingNegatives(task.store, file, task.dataset));
  run.refreshed = { epoch, horizon: horizonOf(run, epoch) };
}

/** The first step that negatives found at an epoch are not for. */
function horizonOf({ config }: Run, epoch: number): number {
  const { everyEpochs } = config.negatives.adaptive!;
  return Math.min((epoch + everyEpochs) * config.stepsPerEpoch, totalSteps(config));
}

const negativesPath = ({ folder }: Run, epoch: number) =>
  joinPath(folder.path, 'negatives', `epoch-${epoch + 1}.jsonl`);

async function findAnew(run: Run, epoch: number, file: string): Promise<void> {
  const { task, config, learner, normalisation, shape, patches, folder, refreshed } = run;
  const { generator: _, everyEpochs: __, anchors, ...settings } = config.negatives.adaptive!;
  const scorer = createScorer(learner.matcher);
  try {
    const {
      header,
      negatives,
      patches: stack,
      report,
    } = await mineAdaptive({
      dataset: task.dataset,
      model: {
        scorer,
        shape,
        normalisation,
        fingerprint: `step ${run.state.step}`,
        temperature: run.calibration?.temperature ?? 1,
      },
      ...{ patches, settings, signal: task.signal },
      generator: settings.strengths.length > 0 ? task.generator : undefined,
      guard: placeGuard(task.dataset.records),
      anchors:
        anchors ??
        anchorsMet(run.pairs.anchors, { seed: config.seed, ...config.batch }, run.state.step, horizonOf(run, epoch)),
      reconstructions: config.negatives.reconstructions,
      seed: config.seed + epoch,
    });
    const files = await writeMade(header, negatives, stack, task.dataset.records, file);
    // The list comes last: where it is, the patches are.
    for (const [name, content] of [...files].reverse()) await task.store.write(joinPath(folderOf(file), name), content);
    const { anchors: asked, chosen, dropped, seconds } = report;
    await folder.log(
      `found ${chosen.real + chosen.made} negatives anew for ${asked} anchors (${chosen.made} made, ${chosen.real} real) ` +
        `in ${seconds.toFixed(0)} s; dropped: ${Object.entries(dropped)
          .map(([why, n]) => `${n} ${why}`)
          .join(', ')}`,
    );
  } finally {
    scorer.dispose();
  }
  if (refreshed) await removeNegatives(run, refreshed.epoch);
}

/** The older ones, which no checkpoint needs any more. */
async function removeNegatives(run: Run, epoch: number): Promise<void> {
  const file = negativesPath(run, epoch);
  await run.task.store.remove(file);
  await run.task.store.remove(patchesFile(file));
}
