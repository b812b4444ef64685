/** What an arm trains with in the second stage: hard negatives that were found beforehand, or settings to find them anew. */

import type { Model, Store } from '@doppel/core';
import { type Dataset, placeGuard } from '@doppel/core/dataset';
import type { LatentGenerator, NegativeSet } from '@doppel/core/generator';
import { mine, mineGenerated } from '@doppel/core/mining';
import { PatchCache } from '@doppel/core/prepare';

import type { PartialConfig } from '@doppel/core/runs';
import type { Arm, ExperimentConfig } from './config.ts';

export interface ArmTask {
  store: Store;
  /** Cut down to the budget. */
  dataset: Dataset;
  /** Of the first stage. */
  model: Model;
  arm: Arm;
  config: ExperimentConfig;
  /** For arms that make patches. */
  generator: LatentGenerator | undefined;
  /** Records that the second stage meets as anchors: negatives of others would never be used. */
  anchors: readonly number[];
  seed: number;
  signal?: AbortSignal | undefined;
}

export interface ArmNegatives {
  /** Undefined where there are none, or they are found in training. */
  negatives?: NegativeSet | undefined;
  /** Settings of the second stage that make the arm. */
  settings: PartialConfig;
  report: Record<string, unknown> | null;
}

export async function negativesOf(task: ArmTask): Promise<ArmNegatives> {
  const { arm, config } = task;
  if (arm.strategy === 'random') return { settings: {}, report: null };
  const share = arm.share ?? config.share;
  if (arm.strategy === 'generated') return generated(task, arm, share);
  if (arm.strategy !== 'adaptive') return mined(task, arm, share);
  const { strategy: _, share: __, madeShare = share, generator, reconstructions, ...adaptive } = arm;
  const names = { generator: generator === undefined ? null : config.generators[generator]! };
  const negatives = {
    ...{ mined: share, generated: madeShare, reconstructions },
    adaptive: { ...adaptive, ...names },
  };
  return { settings: { negatives }, report: null };
}

type Share = ExperimentConfig['share'];

/** Anchors, and hence real candidates, are those that training will meet. */
function met({ dataset, anchors }: ArmTask): Dataset {
  return { ...dataset, indicesOf: (split) => (split === 'train' ? [...anchors] : dataset.indicesOf(split)) };
}

function modelOf({ model }: ArmTask) {
  const { info, normalisation, scorer } = model;
  return {
    ...{ scorer, normalisation, fingerprint: info.fingerprint, temperature: info.calibration.temperature },
    shape: info,
  };
}

async function mined(task: ArmTask, arm: Arm & { strategy: 'loss' | 'nearest' }, share: Share): Promise<ArmNegatives> {
  const { store, seed, signal } = task;
  const dataset = met(task);
  const { k, rankMin, rankMax, maxScore, relativeMargin, maxUses, maxCandidates } = arm;
  const model = modelOf(task);
  const { negatives, report } = await mine({
    ...{ store, dataset, split: 'train', model, seed, signal, maxUses, maxCandidates, guardMargin: 1 },
    patches: new PatchCache(dataset, model.normalisation),
    guard: placeGuard(dataset.records),
    strategy: arm.strategy,
    rules: { k, rankMin, rankMax: rankMax ?? Infinity, sampling: 'top', maxScore, relativeMargin },
  });
  return { negatives: { mined: negatives }, settings: { negatives: { mined: share } }, report: { ...report } };
}

async function generated(task: ArmTask, arm: Arm & { strategy: 'generated' }, share: Share): Promise<ArmNegatives> {
  const { generator, seed, signal } = task;
  const dataset = met(task);
  const model = modelOf(task);
  const { rule, strength, k, match, reconstructions } = arm;
  const { header, negatives, patches, report } = await mineGenerated({
    ...{ dataset, model, rule, strength, k, match, reconstructions, seed, signal },
    patches: new PatchCache(dataset, model.normalisation),
    generator: generator!,
  });
  const of = (label: 0 | 1) => negatives.filter((negative) => negative.label === label);
  return {
    negatives: {
      mined: [],
      generated: {
        generator: generator!.info.fingerprint,
        normalisation: header.preparation,
        patches,
        negatives: of(0),
        reconstructions: of(1),
      },
    },
    settings: { negatives: { generated: share, reconstructions } },
    report: { ...report },
  };
}
