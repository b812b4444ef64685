/** Run in progress: its inputs, learner and position. */
import { ARCHITECTURES } from '../../matcher/architectures.ts';
import { type Checkpoint, matcherOf } from '../../matcher/checkpoint.ts';
import { createMatcher } from '../../matcher/matcher.ts';
import { initialState, type RunState } from '../../matcher/run_state.ts';
import type { AdaptiveReport } from '../../mining/strategies/adaptive.ts';
import type { Processes } from '../../processes/communicator.ts';
import { introduce } from '../../runs/resumable_run.ts';
import { alikeAnchors } from './alike.ts';
import { type TrainingConfig, totalSteps } from './config.ts';
import { patchDrawer } from './draw_patch.ts';
import type { Given } from './given.ts';
import { type RunNegatives, runNegativesOf } from './hard_negatives.ts';
import { Learner } from './learner.ts';
import { sceneWindows } from './localisation/scene_windows.ts';
import { localisationSupply } from './localisation/supply.ts';
import { patchWindows } from './localisation/training_scenes.ts';
import type { Memory } from './memory.ts';
import type { EpochRow } from './metrics_log.ts';
import { type AlikeAnchors, createSampler } from './sampler.ts';
import { createSupply, type Supply } from './supply.ts';

/** Report of adaptive mining at the start of an epoch (from 1). */
export type Search = AdaptiveReport & { epoch: number };

export interface Run {
  readonly given: Given;
  readonly learner: Learner;
  readonly supply: Supply;
  /** Anchors that its batches gather. */
  readonly alike: AlikeAnchors | undefined;
  /** Position of the run, as a checkpoint holds it. */
  readonly state: RunState;
  readonly rows: EpochRow[];
  readonly warnings: string[];
  negatives: RunNegatives;
  /** SAR patches without labels that the current epoch meets. */
  memory: Memory | undefined;
  /** Reports of adaptive mining in this session. */
  readonly searches: Search[];
  /** Fitted by the last validation. */
  calibration: Checkpoint['calibration'];
  /** Work since the last validation, in this session. */
  pace: { pairs: number; seconds: number };
}

/** Weights and moments that a run begins with; the caller disposes of them. */
export function learnerOf({ last, source, matcher, config }: Given): Learner {
  if (last) return Learner.from(last);
  return new Learner(source ? matcherOf(source) : createMatcher({ ...matcher, seed: config.seed }));
}

/** @throws SplitError where there are too few pairs. @throws FileError where the folder cannot be written. */
export async function startRun(given: Given, learner: Learner): Promise<Run> {
  const { task, folder, config, source, last } = given;
  const supplyWith = supplyOf(given);
  const alike = await alikeAnchors(given, learner);
  const state = last ? resumedState(last.resume.state, totalSteps(config)) : freshState(config);
  const run: Run = {
    ...{ given, learner, state, warnings: [], searches: [], calibration: source?.calibration },
    supply: supplyWith(alike),
    alike,
    memory: undefined,
    rows: last ? await folder.readRows(state.epoch) : [],
    negatives: runNegativesOf(task.negatives?.content ?? { mined: [] }, config.negatives, undefined),
    pace: { pairs: 0, seconds: 0 },
  };
  if (!last) await task.onStart?.();
  await introduce(folder, {
    ...{ backend: task.backend, device: task.device, beganOn: last?.backend, about: describe(run) },
    resumedAt: last && positionOf(run),
  });
  if (given.processes) await folder.log(describeProcesses(given.processes, given));
  return run;
}

/** Supply of batches, which takes the anchors that they gather. @throws SplitError before those are sought. */
function supplyOf(given: Given): (alike: AlikeAnchors | undefined) => Supply {
  const { config, pairs, shape, patches, processes } = given;
  const { localisation } = ARCHITECTURES.get(config.preset);
  if (!localisation || !config.localisation) {
    return (alike) => {
      const sampler = createSampler(pairs, { ...config.batch, seed: config.seed, alike });
      return createSupply(sampler, patchDrawer(given), config, { shape, guard: pairs.guard, processes });
    };
  }
  const settings = config.localisation;
  const { side } = shape;
  const { dataset } = given.task;
  const [source, template] =
    dataset.scenes.length > 0
      ? [sceneWindows(dataset, given.normalisation, given.shifts), side]
      : [patchWindows(pairs.anchors, pairs.guard, patches, shape, settings.search), side - 2 * settings.search];
  const { stride } = localisation;
  return (alike) =>
    localisationSupply({
      ...{ source, config, settings, shape: { ...shape, side: template }, stride, alike, patches },
      processes,
    });
}

function freshState({ loss }: TrainingConfig): RunState {
  const { finished, ...state } = initialState();
  const scale = loss && { log: Math.log(loss.scale), first: 0, second: 0 };
  return { ...state, ...(scale && { scale }), finished }; // in the order of files, which are compared byte by byte
}

function describeProcesses({ communicator, statistics, matrix }: Processes, { config }: Given): string {
  const compared = config.localisation ? `, matrix ${matrix}` : '';
  return `${communicator.size} processes: statistics ${statistics}${compared}`;
}

/** State to resume from; a finished run continues if it was given more epochs. */
function resumedState(state: RunState, total: number): RunState {
  const goesOn = state.finished === 'all epochs' && state.step < total;
  return { ...structuredClone(state), ...(goesOn && { finished: null }) };
}

export const positionOf = ({ state }: Run): string => `step ${state.step}, epoch ${state.epoch + 1}`;

/** Line that says what the run learns from; places that only an earlier run saw are not counted. */
function describe({ given: { config, task, validationPairs }, learner }: Run): string {
  const { records, indicesOf } = task.dataset;
  const places = (split: 'train' | 'validation') =>
    new Set(indicesOf(split).map((index) => records[index]!.group)).size;
  const count = [...learner.matcher.parameters.values()].reduce((sum, { size }) => sum + size, 0);
  return (
    `${config.preset}, side ${config.side}, ${count} parameters; ${config.data}: ${places('train')} places to train on, ` +
    `${places('validation')} to validate on (${validationPairs.length} pairs)`
  );
}
