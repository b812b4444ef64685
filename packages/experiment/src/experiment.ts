/**
 * The experiment: do hard negatives, and which, help a matcher? Arms that differ in their negatives and in nothing else
 * are trained for the same number of updates on the same places, choose epoch and threshold by the same rule on the
 * validation split, and are tested on the same pairs. docs/experiment.md is the reference; this file runs it, cell by
 * cell.
 */

import type { Dataset } from '@doppel/core/dataset';
import { type LatentGenerator, requireSamePreparation } from '@doppel/core/generator';
import { fitNormalisation, type Normalisation, normalisationOptionsSchema } from '@doppel/core/prepare';
import type { ExperimentConfig } from './config.ts';
import { powerLines } from './contrasts.ts';
import { planCells, type Selection } from './plan.ts';
import { type GroupOutcome, type GroupTask, runGroup } from './run_group.ts';
import { makeTestSets } from './test_sets.ts';

export interface ExperimentTask extends Omit<GroupTask, 'tests' | 'normalisation'> {
  selection?: Selection | undefined;
}

export interface ExperimentOutcome extends GroupOutcome {
  /** Cells in the selection. */
  cells: number;
  /** Test pairs whose shift is mirrored at the edge, as the patch has no neighbour. */
  mirrored: number;
}

/**
 * Runs what is missing of the selected cells.
 *
 * @throws UsageError where settings are invalid, a cell exists that was made with other settings, or generators do not
 * fit.
 * @throws SplitError, PatchError, NonFiniteError as training, mining and scoring do.
 */
export async function runExperiment(task: ExperimentTask): Promise<ExperimentOutcome> {
  const { config, dataset, signal } = task;
  const groups = planCells(config, task.selection);
  const seedsOf = (arm: string) => Math.min(config.arms[arm]?.seeds ?? config.seeds.length, config.seeds.length);
  for (const line of powerLines(config.contrasts, seedsOf)) task.onLog?.(line);
  const normalisation = await normalisationFor(config, dataset, task);
  const tests = await makeTestSets(dataset, normalisation, config.evaluation, signal);
  const outcome: ExperimentOutcome = {
    ...{ made: 0, kept: 0, interrupted: false, mirrored: tests.mirrored },
    cells: groups.reduce((sum, { arms }) => sum + arms.length, 0),
  };
  for (const group of groups) {
    const { made, kept, interrupted } = await runGroup(group, { ...task, normalisation, tests });
    outcome.made += made;
    outcome.kept += kept;
    if (interrupted) return { ...outcome, interrupted };
  }
  return outcome;
}

/**
 * One for all cells, or their tests would not be the same: measured on the training split, without labels, whatever the
 * budget; for SAR it is that of the generators, whose patches can be used no other way, also where only other arms are
 * run now.
 */
async function normalisationFor(
  config: ExperimentConfig,
  dataset: Dataset,
  { generatorFor }: ExperimentTask,
): Promise<Normalisation> {
  const settings = normalisationOptionsSchema.parse(config.base.normalisation ?? {});
  let normalisation = await fitNormalisation(dataset, dataset.indicesOf('train'), settings);
  let first: LatentGenerator | undefined;
  for (const { budget, arms } of planCells(config)) {
    for (const { arm } of arms) {
      if (!('generator' in arm) || !arm.generator) continue;
      const generator = await generatorFor(arm.generator, budget);
      if (first)
        requireSamePreparation(
          generator.info.normalisation,
          first.info.normalisation,
          `the generator ${arm.generator}`,
        );
      first = generator;
      normalisation = { ...normalisation, sar: generator.info.normalisation.sar };
    }
  }
  return normalisation;
}
