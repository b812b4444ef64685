/** Pairs of a batch as the loss takes them: planned ones, those with a memory, and what each counts. */
import type * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../base/random.ts';
import type { PlaceGuard } from '../../dataset/place_guard.ts';
import { UsageError } from '../../errors.ts';
import { classWeights } from '../../matcher/loss.ts';
import type { Pairing } from '../../matcher/pairing.ts';
import type { TrainingConfig } from './config.ts';
import type { RunNegatives } from './hard_negatives.ts';
import { drawFrom, type Memory, mapsOf } from './memory.ts';
import { type Margins, marginOf } from './pair_loss.ts';
import { type StepPlan, wholePart } from './sampler.ts';

export interface BatchPairs {
  pairing: Pairing;
  labels: (0 | 1)[];
  /** Weights in cross-entropy and softmax, which sum to 1. */
  weights: number[];
  margins?: Margins;
  leftOut?: number;
  memory?: tf.Tensor4D;
}

export interface BatchContext {
  config: TrainingConfig;
  step: number;
  negatives: Pick<RunNegatives, 'changed'>;
  memory: Memory | undefined;
  guard: Pick<PlaceGuard, 'conflict'>;
}

/** @throws UsageError where made negatives are set apart, and the batch has no others. */
export function pairsOf(plan: StepPlan, context: BatchContext): BatchPairs {
  const { config, step, negatives } = context;
  const { margin, counted = true } = config.negatives;
  const met = pairsWithMemory(plan, context);
  const pairing = { sar: [...plan.pairing.sar, ...met.sar], optical: [...plan.pairing.optical, ...met.optical] };
  const labels = [...plan.labels, ...met.sar.map((): 0 => 0)];
  const made = madeNegatives(plan);
  const isSetApart = margin !== undefined || !counted;
  const weights = weightsWithout(labels, new Set(isSetApart ? made.map(({ pair }) => pair) : []));
  const counting = weights.filter((weight, i) => weight > 0 && labels[i] === 0).length;
  if (made.length > 0 && counting === 0) throw allSetApart(made.length);
  const ring = config.loss?.ring ?? 0;
  return {
    ...{ pairing, labels, weights },
    ...(margin && {
      margins: {
        pairs: made.map(({ pair }) => ({ made: pair, own: plan.pairing.optical[pair]! })),
        sizes: made.map(({ row }) => marginOf(margin, negatives.changed.get(row) ?? 1)),
        weight: margin.weight,
      },
    }),
    ...(ring > 0 && { leftOut: wholePart(ring * counting, Rng.derive(config.seed, 'ring', step)) }),
    ...(met.maps && { memory: met.maps }),
  };
}

/** Made negatives of a plan: their pair, and their row among made patches. A positive has the number of its optical row. */
const madeNegatives = ({ labels, pairing, sar }: StepPlan): { pair: number; row: number }[] =>
  labels.flatMap((label, pair) => {
    const row = sar[pairing.sar[pair]!]!.made;
    return label === 0 && row !== undefined ? [{ pair, row }] : [];
  });

/** Weights by class of the pairs that count; 0 for the others. */
function weightsWithout(labels: readonly (0 | 1)[], apart: ReadonlySet<number>): number[] {
  if (apart.size === 0) return classWeights(labels);
  const own = classWeights(labels.filter((_, pair) => !apart.has(pair)));
  let next = 0;
  return labels.map((_, pair) => (apart.has(pair) ? 0 : own[next++]!));
}

/** Pairs of each anchor's optical patch with each drawn patch of the memory that shows other ground. */
function pairsWithMemory({ labels, optical, sar }: StepPlan, { config, step, memory, guard }: BatchContext) {
  const settings = config.negatives.memory;
  if (!memory || !settings) return { sar: [], optical: [] };
  const rows = drawFrom(memory, settings, { seed: config.seed, step });
  const anchors = labels.filter((label) => label === 1).map((_, row) => row);
  const pairs = rows.flatMap((row, i) =>
    anchors.flatMap((anchor) =>
      guard.conflict(memory.records[row]!, optical[anchor]!.record) ? [] : [{ sar: sar.length + i, optical: anchor }],
    ),
  );
  return {
    sar: pairs.map((pair) => pair.sar),
    optical: pairs.map((pair) => pair.optical),
    maps: mapsOf(memory, rows),
  };
}

const allSetApart = (made: number) =>
  new UsageError({
    action: 'train with made negatives that are no pairs of label 0',
    expected: 'other negatives beside them in each batch',
    found: `${made} made ones alone`,
    remedy: 'Lower "negatives.generated", or raise "batch.negatives".',
  });
