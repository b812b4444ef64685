/** Hard negatives of an arm's second stage: mined beforehand, or settings of adaptive mining during training. */

import type { Model, Store } from '@doppel/core';
import { type Dataset, placeGuard } from '@doppel/core/dataset';
import type { LatentGenerator, NegativeSet } from '@doppel/core/generator';
import { isMade, type MinedNegative, type Negatives, trainingOn } from '@doppel/core/mining';
import type { PartialConfig } from '@doppel/core/training';
import { strategyNamed } from './ceiling.ts';
import { type Arm, type ExperimentConfig, isBaseline, isFoundInTraining, settingsOf } from './config.ts';

export interface ArmTask {
  store: Store;
  /** Data set, cut down to the budget. */
  dataset: Dataset;
  /** Matcher of the first stage. */
  model: Model;
  arm: Arm;
  config: Pick<ExperimentConfig, 'share' | 'generators'>;
  /** Generator of arms that generate patches. */
  generator: LatentGenerator | undefined;
  /** Records that the second stage meets as anchors: negatives of others would never be used. */
  anchors: readonly number[];
  /** Records whose SAR patches are known without labels: those of all training places. */
  unlabelled?: readonly number[] | undefined;
  seed: number;
  signal?: AbortSignal | undefined;
}

export interface ArmNegatives {
  /** Undefined if there are none, or training finds them. */
  negatives?: NegativeSet | undefined;
  /** Settings of the second stage that are specific to the arm. */
  settings: PartialConfig;
  report: Record<string, unknown> | null;
}

export async function negativesOf(task: ArmTask): Promise<ArmNegatives> {
  const { arm, config } = task;
  if (isBaseline(arm)) return { settings: {}, report: null };
  if (!isFoundInTraining(arm)) return foundBeforehand(task);
  const { strategy: _, seeds: __, tune: ___, share = config.share, madeShare = share, ...own } = arm;
  const { generator, reconstructions, ...adaptive } = own;
  const file = generator === undefined ? null : config.generators[generator];
  const negatives = { mined: share, generated: madeShare, reconstructions, adaptive: { ...adaptive, generator: file } };
  return { settings: { negatives }, report: null };
}

async function foundBeforehand({ arm, config, dataset, ...task }: ArmTask): Promise<ArmNegatives> {
  const { store, model, generator, seed, signal, unlabelled } = task;
  const strategy = strategyNamed(arm.strategy)!;
  const found = await strategy.find(
    {
      ...{ store, split: 'train', model, generator, seed, unlabelled },
      dataset: trainingOn(dataset, task.anchors),
      patches: model.patchesOf(dataset),
      guard: placeGuard(dataset.records),
    },
    settingsOf(arm),
    { signal },
  );
  const { share = config.share, reconstructions } = arm;
  const kind = found.patches ? { generated: share, reconstructions } : { mined: share };
  return { negatives: negativeSet(found), settings: { negatives: kind }, report: { ...found.report } };
}

function negativeSet({ header, negatives, patches }: Negatives): NegativeSet {
  const mined = negatives.filter((negative): negative is MinedNegative => !isMade(negative));
  if (!patches || !('preparation' in header) || patches.count === 0) return { mined };
  const made = negatives.filter(isMade);
  const of = (label: 0 | 1) => made.filter((negative) => negative.label === label);
  return {
    mined,
    generated: {
      generator: header.generatorFingerprint,
      normalisation: header.preparation,
      ...{ patches, negatives: of(0), reconstructions: of(1) },
    },
  };
}
