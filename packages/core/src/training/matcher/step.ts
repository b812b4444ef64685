/**
 * One step of training in two halves: gradients of a batch (forward, backward, weight penalty), and their application
 * (Adam). Of many processes each passes an own share of the batch, and their gradients are summed in between.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LocalisationTerms } from '../../matcher/architecture.ts';
import type { Matcher, MatcherMode } from '../../matcher/matcher.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import { blend, sumOfSquares } from '../../ops/ops.ts';
import { variableGradients } from '../../ops/variable_gradients.ts';
import type { Processes } from '../../processes/communicator.ts';
import { gatherRows } from '../../processes/gather_rows.ts';
import { sumTensors } from '../../processes/sum_tensors.ts';
import { adamStep, type Moments, zeroMomentsOf } from '../../runs/moments.ts';
import type { LossSettings } from './hard_settings.ts';
import { type LocalisationBatch, lossOfWindows } from './localisation/loss.ts';
import { lossOfPairs, type PairLabels } from './pair_loss.ts';

/**
 * Pairs of patches with their labels. Of many processes each has patches and pairs of its own, and the labels of the
 * whole batch.
 */
export interface PairBatch extends PairLabels {
  /** [n, side, side, bands] */
  sar: tf.Tensor4D;
  /** [m, side, side, bands] */
  optical: tf.Tensor4D;
  /** Maps of further SAR patches as the SAR tower gives them, [k, h, w, c]; constants. */
  memory?: tf.Tensor4D | undefined;
  /** Rows of both, in the whole batch, that make the pairs; of SAR from n on rows of `memory`. */
  pairing: Pairing;
  /** Weight of this process's loss, which sum to 1 over the processes; absent: it trains alone. */
  share?: number | undefined;
}

export type Batch = PairBatch | LocalisationBatch;

export interface StepOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** λ of the penalty λ·Σw². */
  l2: number;
  /** Seed of dropout. */
  seed: number;
  /** Training step, from 0. */
  step: number;
  /** Loss of pairs, if another than cross-entropy, and the logarithm of its scale. */
  loss?: { settings: LossSettings; logScale: number } | undefined;
  /** Batch normalisation by its moving statistics, which stay as they are; default: by those of the batch. */
  frozen?: boolean | undefined;
}

/** Options of the gradients: they depend on these, the weights and the batch. */
export type GradientOptions = Pick<StepOptions, 'l2' | 'seed' | 'step' | 'loss' | 'frozen'> & {
  /** Processes that share the batch, where it is more than this one. */
  processes?: Processes | undefined;
};

export type UpdateOptions = Omit<StepOptions, keyof Omit<GradientOptions, 'step'>>;

export interface Gradients {
  /** Weighted mean cross-entropy of the batch, or the loss of its localisation. */
  loss: tf.Scalar;
  /** Gradient of loss and penalty, by parameter. */
  gradients: tf.NamedTensorMap;
  /** Gradient of the logarithm of the loss's scale, [1], if it has one. */
  ofScale?: tf.Tensor | undefined;
}

export const zeroMoments = ({ parameters }: Matcher): Moments => zeroMomentsOf([...parameters]);

/**
 * Trains the matcher by one batch: its parameters, statistics and the moments change.
 *
 * @returns scalars that the caller disposes of: the loss of the batch before the step, without the penalty, the norm of
 * the gradient, penalty included, and the gradient of the loss's scale, if it has one. When the first or second is not
 * finite, nor are the weights any more.
 */
export function trainingStep(
  matcher: Matcher,
  moments: Moments,
  batch: Batch,
  { l2, seed, loss: of, frozen, ...update }: StepOptions,
  processes?: Processes,
): { loss: tf.Scalar; gradientNorm: tf.Scalar; ofScale?: tf.Tensor } {
  return tf.tidy(() => {
    const options = { l2, seed, loss: of, frozen, processes, step: update.step };
    const { loss, gradients, ofScale } = gradientsOf(matcher, batch, options);
    return { loss, gradientNorm: apply(matcher, moments, gradients, update), ...(ofScale && { ofScale }) };
  });
}

/**
 * Loss and gradients of a batch; the caller disposes of them. Only the moving statistics of batch normalisation
 * change. Of many processes all get those of the whole batch.
 */
export function gradientsOf(
  matcher: Matcher,
  batch: Batch,
  { l2, seed, step, loss: of, frozen = false, processes }: GradientOptions,
): Gradients {
  const logScale = of && tf.variable(tf.tensor1d([of.logScale]));
  try {
    return tf.tidy(() => {
      const mode = { training: true, seed, step, frozen, processes } as const;
      const own = variableGradients(
        () => lossOf(matcher, batch, mode, of?.settings, logScale as tf.Tensor1D),
        [...matcher.parameters.values(), ...(logScale ? [logScale] : [])],
      );
      const { value: loss, grads } = processes ? summed(matcher, own, processes, frozen) : own;
      const ofScale = logScale && grads[logScale.name];
      return { loss, gradients: penalised(matcher, grads, l2), ...(ofScale && { ofScale }) };
    });
  } finally {
    logScale?.dispose();
  }
}

type OwnGradients = ReturnType<typeof variableGradients>;

/** Loss and gradients summed over the processes; moving statistics that are of each process's share are averaged. */
function summed(matcher: Matcher, { value, grads }: OwnGradients, processes: Processes, frozen: boolean): OwnGradients {
  const names = Object.keys(grads);
  const local = processes.statistics === 'local' && !frozen ? [...matcher.statistics.values()] : [];
  const gradients = names.map((name) => grads[name]!);
  const [loss, ...sums] = sumTensors([value, ...gradients, ...local], processes.communicator);
  local.forEach((variable, i) => {
    variable.assign(tf.div(sums[names.length + i]!, processes.communicator.size));
  });
  return { value: loss as tf.Scalar, grads: Object.fromEntries(names.map((name, i) => [name, sums[i]!])) };
}

/** Loss of a batch, or this process's part of it: the parts sum to the whole. */
function lossOf(
  matcher: Matcher,
  batch: Batch,
  mode: MatcherMode & { training: true },
  settings: LossSettings | undefined,
  logScale: tf.Tensor1D | undefined,
): tf.Scalar {
  if ('pairing' in batch) {
    const { sar, optical, pairing, memory } = batch;
    const logits = matcher.logits(sar, optical, mode, pairing, memory);
    const all = mode.processes ? gatherRows(logits, mode.processes.communicator) : logits;
    return weighted(lossOfPairs(all, batch, settings, logScale), batch);
  }
  const { terms, similarity } = matcher.localise(batch.sar, batch.optical, mode);
  const all = mode.processes?.matrix === 'gathered' ? gathered(terms, mode.processes) : terms;
  return weighted(lossOfWindows(all, similarity, batch), batch);
}

const weighted = (loss: tf.Scalar, { share }: Batch): tf.Scalar =>
  share === undefined ? loss : (tf.mul(loss, share) as tf.Scalar);

/** Terms of all templates and windows: the maps of a process are those of its own templates with every window. */
function gathered({ maps, templates, windows }: LocalisationTerms<tf.Tensor>, { communicator }: Processes) {
  const rowsOf = (x: tf.Tensor) => gatherRows(x, communicator);
  return { maps: rowsOf(maps), templates: rowsOf(templates), windows: rowsOf(windows) };
}

/**
 * Updates parameters and moments by gradients.
 *
 * @returns the norm of the gradient, a scalar that the caller disposes of.
 */
export function apply(
  { parameters }: Matcher,
  moments: Moments,
  gradients: tf.NamedTensorMap,
  options: UpdateOptions,
): tf.Scalar {
  adamStep([...parameters], gradients, moments, options);
  return tf.tidy(() => tf.sqrt(sumOfSquares(Object.values(gradients))) as tf.Scalar);
}

/** Adds the penalty's gradient 2λw by hand: through the tape it would cost a second pass over all weights. */
function penalised({ parameters, weightNames }: Matcher, grads: tf.NamedTensorMap, l2: number): tf.NamedTensorMap {
  const gradients = Object.fromEntries([...parameters].map(([name, variable]) => [name, grads[variable.name]!]));
  if (l2 === 0) return gradients;
  const own = weightNames.map((name) => gradients[name]!);
  const weights = weightNames.map((name) => parameters.get(name)!);
  const penalised = blend(own, weights, { alpha: 1, beta: 2 * l2 });
  return { ...gradients, ...Object.fromEntries(weightNames.map((name, i) => [name, penalised[i]!])) };
}
