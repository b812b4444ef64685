/**
 * Runs the cells that share a first stage: it is trained (or resumed, or already finished), then the second stage of
 * each arm. Existing cells are kept.
 */

import { joinPath, type Model, openModel, type Store, UsageError, VERSION } from '@doppel/core';
import { sha256 } from '@doppel/core/base';
import type { Dataset } from '@doppel/core/dataset';
import type { LatentGenerator } from '@doppel/core/generator';
import { readCheckpoint } from '@doppel/core/matcher';
import type { Normalisation } from '@doppel/core/prepare';
import {
  anchorsMet,
  checkpointPath,
  type EpochRow,
  loadLast,
  mergeSettings,
  type PartialConfig,
  parseMetrics,
  resolveConfig,
  type TrainingConfig,
  type TrainingResult,
  type TrainingTask,
  train,
} from '@doppel/core/training';
import { trainingPictures } from '@doppel/report';
import { type ArmNegatives, negativesOf } from './arm_negatives.ts';
import { baseFolder, claimBase } from './base_settings.ts';
import { withBudget } from './budget.ts';
import { type Cell, readCell } from './cell.ts';
import { type Arm, type ExperimentConfig, identityOf, isFoundInTraining, moveOf, stagesOf } from './config.ts';
import { type CellGroup, cellPath, groupName } from './plan.ts';
import { scoreTestSets } from './score_test_sets.ts';
import { measureShortcut } from './shortcut.ts';
import type { TestSets } from './test_sets.ts';

export interface GroupTask {
  store: Store;
  /** Folder of the experiment. */
  out: string;
  config: ExperimentConfig;
  /** Whole data set; the budget is applied here. */
  dataset: Dataset;
  /** The same for all cells. */
  normalisation: Normalisation;
  tests: TestSets;
  /** Opens the generator of a name in the configuration, for a budget, once; the caller disposes of it. */
  generatorFor(name: string, budget: number): Promise<LatentGenerator>;
  backend: string;
  /** Precision of the arithmetic. */
  precision: string;
  machine: string;
  commit: string | null;
  signal?: AbortSignal | undefined;
  onLog?: ((line: string) => void) | undefined;
}

export interface GroupOutcome {
  made: number;
  /** Cells that existed. */
  kept: number;
  interrupted: boolean;
}

/** @throws UsageError if a cell exists that was made with other settings. Errors of training, mining and scoring. */
export async function runGroup(group: CellGroup, task: GroupTask): Promise<GroupOutcome> {
  const { store, out, onLog } = task;
  const outcome: GroupOutcome = { made: 0, kept: 0, interrupted: false };
  const missing: { name: string; arm: Arm; settings: string }[] = [];
  for (const { name, arm } of group.arms) {
    const path = cellPath(out, { ...group, arm: name });
    const settings = await settingsFingerprint(group, name, arm, task);
    const cell = await readCell(store, path);
    if (cell && (cell.settings !== settings || cell.tests !== task.tests.fingerprint)) throw otherSettings(path);
    if (cell) outcome.kept++;
    else missing.push({ name, arm, settings });
  }
  if (missing.length === 0) return outcome;
  const dataset = withBudget(task.dataset, group.budget, group.seed);
  onLog?.(`${groupName(group)}: ${outcome.kept} cells are there, ${missing.length} to do`);
  const base = await trainBase(group, outcome.kept > 0, dataset, task);
  if (!base) return { ...outcome, interrupted: true };
  const found: FoundNegatives = new Map();
  const runs = missing.map(({ name, arm }) => armRun(name, arm, group, dataset, task));
  try {
    for (const [i, { name, settings }] of missing.entries()) {
      // A unique folder, so that another process that runs the same cell does not use it. It is removed afterwards: the
      // weights of all cells would fill a disk.
      const run = joinPath(out, 'runs', groupName(group), `${name}-${crypto.randomUUID()}`);
      const cell = await runArm(run, { ...runs[i]!, found }, group, dataset, base, task).finally(() =>
        store.remove(run),
      );
      if (!cell) return { ...outcome, interrupted: true };
      await store.write(cellPath(out, { ...group, arm: name }), `${JSON.stringify({ ...cell, settings })}\n`);
      const { key } = runs[i]!;
      if (!runs.slice(i + 1).some((later) => later.key === key)) found.delete(key);
      outcome.made++;
      onLog?.(
        `${groupName(group)}: ${name} done in ${Object.values(cell.seconds)
          .reduce((a, b) => a + b, 0)
          .toFixed(0)} s`,
      );
    }
  } finally {
    base.model.dispose();
  }
  return outcome;
}

/**
 * Negatives of the arms of a group, by all that they follow from: arms that differ elsewhere share them, and the seconds
 * that they cost. They are kept until the last of these arms has run.
 */
type FoundNegatives = Map<string, ArmNegatives & { seconds: number }>;

/** Arm that is run, with the anchors that its second stage meets. */
interface ArmRun {
  name: string;
  arm: Arm;
  anchors: number[];
  /** Settings and anchors that its negatives follow from, as JSON. */
  key: string;
}

function armRun(name: string, arm: Arm, group: CellGroup, dataset: Dataset, { config }: GroupTask): ArmRun {
  const { tune, ...mined } = arm;
  const anchors = anchorsToMeet(stageConfig('tune', group, dataset, config, tune ?? {}), dataset);
  return { name, arm, anchors, key: JSON.stringify([identityOf(mined), anchors]) };
}

/** First stage, trained to its end. */
interface Base {
  model: Model;
  file: string;
  bytes: Uint8Array;
  rows: EpochRow[];
}

/**
 * Trains the first stage. @returns undefined if the signal stopped it; the next call resumes it.
 *
 * @param hasCells of the group, with settings of now. @throws UsageError if it has begun with other settings.
 */
async function trainBase(
  group: CellGroup,
  hasCells: boolean,
  dataset: Dataset,
  task: GroupTask,
): Promise<Base | undefined> {
  const { store, out, config } = task;
  const run = baseFolder(out, group);
  const file = checkpointPath(run, 'best');
  const hasBegun = (await store.stat(checkpointPath(run, 'last'))) !== undefined;
  await claimBase(group, { hasBegun, hasCells }, task);
  const start = hasBegun
    ? { last: await loadLast(store, run) }
    : { config: stageConfig('base', group, dataset, config), normalisation: task.normalisation };
  const result = await train(trainingTask({ run, start }, dataset, task));
  if (result.interrupted) return undefined;
  const bytes = await store.read(file);
  const rows = parseMetrics(new TextDecoder().decode(await store.read(joinPath(run, 'metrics.csv'))), 'metrics.csv');
  return { model: await openModel(bytes, file), file, bytes, rows };
}

function trainingTask(
  own: Pick<TrainingTask, 'run' | 'start'> & Partial<TrainingTask>,
  dataset: Dataset,
  { store, backend, signal, onLog }: GroupTask,
): TrainingTask {
  return { store, dataset, backend, pictures: trainingPictures, signal, onLog, ...own };
}

function stageConfig(
  stage: 'base' | 'tune',
  group: CellGroup,
  dataset: Dataset,
  config: ExperimentConfig,
  more: PartialConfig = {},
) {
  const positives = dataset.indicesOf('train').filter((index) => dataset.records[index]!.label === 1).length;
  const facts = { data: config.data, side: dataset.header.side, positives };
  const own = { preset: group.matcher, seed: group.seed };
  return resolveConfig([mergeSettings([stagesOf(config, group.budget)[stage], more]), own], facts, 'the experiment');
}

/**
 * @param run folder of the second stage.
 * @returns undefined if the signal stopped it: an interrupted arm starts again.
 */
async function runArm(
  run: string,
  { name, arm, anchors, key, found }: ArmRun & { found: FoundNegatives },
  group: CellGroup,
  dataset: Dataset,
  base: Base,
  task: GroupTask,
): Promise<Omit<Cell, 'settings'> | undefined> {
  const { store, config, signal } = task;
  const generator = arm.generator === undefined ? undefined : await task.generatorFor(arm.generator, group.budget);
  const unlabelled = task.dataset.indicesOf('train');
  const { model } = base;
  const { tune, ...mined } = arm;
  const { seed } = group;
  const negativesTask = { store, dataset, model, arm: mined, config, generator, anchors, unlabelled, seed, signal };
  const own = found.get(key) ?? (await timed(() => negativesOf(negativesTask)));
  found.set(key, own);
  const { negatives, settings, report, seconds: mining } = own;
  const started = performance.now();
  const from = {
    file: base.file,
    fingerprint: base.model.info.fingerprint,
    content: readCheckpoint(base.bytes, base.file),
  };
  const resolved = stageConfig('tune', group, dataset, config, mergeSettings([settings, tune ?? {}]));
  const result = await train(
    trainingTask(
      {
        run,
        start: { config: resolved, from },
        unlabelled,
        ...(negatives && { negatives: { file: `the arm ${name}`, fingerprint: name, content: negatives } }),
        ...(isFoundInTraining(arm) && generator && { generator }),
        onLog: undefined,
      },
      dataset,
      task,
    ),
  );
  if (result.interrupted) return undefined;
  const trained = (performance.now() - started) / 1000;
  const tested = performance.now();
  const measured = await testCheckpoint(result, task);
  const shortcut = await shortcutOf(result, arm, group, task);
  const testing = (performance.now() - tested) / 1000;
  const seconds = { base: base.rows.at(-1)?.seconds ?? 0, mining, training: trained, testing };
  return cellOf({
    name,
    group,
    dataset,
    base,
    result,
    measured: { ...measured, shortcut },
    seconds,
    report: report ?? (result.searches.length > 0 ? { refreshed: result.searches } : null),
    task,
  });
}

async function timed<Found extends object>(find: () => Promise<Found>): Promise<Found & { seconds: number }> {
  const started = performance.now();
  const found = await find();
  return { ...found, seconds: (performance.now() - started) / 1000 };
}

function anchorsToMeet(config: TrainingConfig, dataset: Dataset): number[] {
  const all = dataset.indicesOf('train').filter((index) => dataset.records[index]!.label === 1);
  // Which anchors are gathered for being alike is known only once they are found.
  if (config.batch.alike) return all;
  const options = { seed: config.seed, positives: config.batch.positives };
  return anchorsMet(all, options, 0, config.epochs * config.stepsPerEpoch);
}

interface Measured {
  positives: number[];
  sets: Cell['sets'];
  calibration: Cell['calibration'];
}

/** Opens the best checkpoint of a run that was trained to its end. @throws UsageError where no epoch was. */
async function openBest({ checkpoint, run, epochs }: TrainingResult, store: Store): Promise<Model> {
  if (checkpoint !== undefined) return openModel(store, checkpoint);
  throw new UsageError({
    action: `test the matcher of ${run}`,
    expected: 'at least one epoch of training',
    found: String(epochs),
    remedy: 'Give the stages "epochs" and "stepsPerEpoch" of at least 1.',
  });
}

async function testCheckpoint(result: TrainingResult, { store, tests, signal }: GroupTask): Promise<Measured> {
  const model = await openBest(result, store);
  try {
    return await scoreTestSets(model, tests, { signal });
  } finally {
    model.dispose();
  }
}

/**
 * Shortcut of a trained matcher; also of the baseline, to show the effect of generated negatives. Null where it is not
 * measured.
 */
async function shortcutOf(
  result: TrainingResult,
  arm: Arm,
  { budget, seed }: CellGroup,
  { store, config, dataset, generatorFor, signal }: GroupTask,
): Promise<Cell['shortcut']> {
  const name = arm.generator ?? Object.keys(config.generators)[0];
  const { shortcutPairs: pairs } = config.evaluation;
  const move = moveOf(arm);
  if (!name || pairs === 0 || !move) return null;
  const generator = await generatorFor(name, budget);
  const model = await openBest(result, store);
  const { rule, strength } = move;
  try {
    const measured = await measureShortcut({
      ...{ dataset, split: 'validation', model, generator, rule, strength, pairs, seed, signal },
      patches: model.patchesOf(dataset),
    });
    const { real, reconstructions, negatives } = measured;
    return { generator: name, pairs: measured.pairs, real, reconstructions, negatives };
  } finally {
    model.dispose();
  }
}

interface CellParts {
  name: string;
  group: CellGroup;
  dataset: Dataset;
  base: Base;
  result: TrainingResult;
  measured: Measured & Pick<Cell, 'shortcut'>;
  seconds: Cell['seconds'];
  report: Record<string, unknown> | null;
  task: GroupTask;
}

function cellOf({
  name,
  group,
  dataset,
  base,
  result,
  measured,
  seconds,
  report,
  task,
}: CellParts): Omit<Cell, 'settings'> {
  const { tests, backend, precision, machine, commit } = task;
  const train = dataset.indicesOf('train');
  const { epoch, validationAuc, validationLoss } = result.metrics;
  const { matcher, budget, seed } = group;
  return {
    ...{ doppel: 'experiment-cell', version: 1, matcher, budget, seed, arm: name },
    ...{ tests: tests.fingerprint, places: tests.places, placeOf: tests.placeOf },
    ...measured,
    training: {
      places: new Set(train.map((index) => dataset.records[index]!.group)).size,
      pairs: train.length,
      steps: (base.rows.at(-1)?.step ?? 0) + (result.rows.at(-1)?.step ?? 0),
      bestEpoch: epoch ?? 0,
      validationAuc: validationAuc ?? Number.NaN,
      validationLoss: validationLoss ?? Number.NaN,
      curve: curveOf(result.rows),
      base: curveOf(base.rows),
    },
    seconds,
    mining: report && JSON.parse(JSON.stringify(report)),
    run: { backend, precision, machine, date: new Date().toISOString(), doppel: VERSION, commit },
  };
}

const curveOf = (rows: readonly EpochRow[]) =>
  rows.map(({ epoch, step, trainLoss, validationLoss, validationAuc }) => ({
    epoch,
    step,
    trainLoss,
    validationLoss,
    validationAuc,
  }));

/** Fingerprint of what a cell depends on: further seeds, budgets and arms may be added later. */
async function settingsFingerprint(group: CellGroup, name: string, arm: Arm, task: GroupTask): Promise<string> {
  const { config, dataset, normalisation } = task;
  const { share, evaluation } = config;
  const { base, tune } = stagesOf(config, group.budget);
  const generator =
    arm.generator === undefined ? null : (await task.generatorFor(arm.generator, group.budget)).info.fingerprint;
  const { resamples: _, permutations: __, shortcutPairs: ___, ...tests } = evaluation;
  const { matcher, budget, seed } = group;
  const all = {
    matcher,
    budget,
    seed,
    name,
    arm: identityOf(arm),
    base,
    tune,
    start: 'fine-tune', // a choice of older versions, whose cells are still valid
    share,
    tests,
    normalisation,
    generator,
    ...(config.alignment === 'repaired' && { alignment: config.alignment }),
    data: dataset.fingerprint,
    splits: dataset.splits,
  };
  return sha256(new TextEncoder().encode(JSON.stringify(all)));
}

const otherSettings = (path: string) =>
  new UsageError({
    action: `continue the experiment with the existing cell ${path}`,
    expected: 'a cell of the same settings, data and generator',
    found: 'one made with other settings',
    remedy: 'Name another folder by --out, or remove the cell.',
  });
