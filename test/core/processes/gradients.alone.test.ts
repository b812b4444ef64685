/** The gradients of a batch do not depend on how many processes share it. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../../packages/core/src/matcher/architectures.ts';
import { classWeights } from '../../../packages/core/src/matcher/loss.ts';
import { createMatcher } from '../../../packages/core/src/matcher/matcher.ts';
import { normalNoise } from '../../../packages/core/src/ops/ops.ts';
import { ownOf, type Processes } from '../../../packages/core/src/processes/communicator.ts';
import type { LossSettings } from '../../../packages/core/src/training/matcher/hard_settings.ts';
import { type Batch, gradientsOf, type PairBatch } from '../../../packages/core/src/training/matcher/step.ts';
import { selectProcessorBackend } from '../../backends.ts';
import { planted } from '../matcher/planted_architecture.ts';
import { plantedPair, plantedPlaces } from './planted_small.ts';
import { together } from './together.ts';

beforeAll(async () => {
  for (const each of [planted, plantedPair, plantedPlaces]) ARCHITECTURES.add(each);
  await selectProcessorBackend();
});

const SETTINGS = { statistics: 'synchronised', matrix: 'gathered' } as const;
const noise = (shape: number[], seed: number) => normalNoise(shape, { seed, offset: 0 });
type Who = Pick<Processes['communicator'], 'rank' | 'size'>;
const alone = { rank: 0, size: 1 };

const rowsOf = <T extends tf.Tensor>(x: T, { rank, size }: Who): T =>
  tf.gather(x, tf.range(rank, x.shape[0]!, size, 'int32')) as T;

/** Three SAR patches, four optical ones and seven pairs: no share is like another. */
function pairs(side: number, who: Who): Batch {
  const labels = [1, 1, 1, 0, 0, 0, 0] as const;
  const weights = classWeights(labels);
  return {
    sar: rowsOf(noise([3, side, side, 1], 1), who) as tf.Tensor4D,
    optical: rowsOf(noise([4, side, side, 1], 2), who) as tf.Tensor4D,
    pairing: { sar: ownOf([0, 1, 2, 1, 2, 0, 0], who), optical: ownOf([0, 1, 2, 0, 1, 2, 3], who) },
    ...{ labels: tf.tensor1d([...labels], 'int32'), weights: tf.tensor1d(weights) },
    ...(who.size > 1 && { share: 1 / who.size }),
  };
}

/** The same with two SAR patches of a memory, and margins of a made negative. */
function hardPairs(who: Who): Batch {
  const labels = [1, 1, 1, 0, 0, 0, 0, 0, 0] as const;
  return {
    ...(pairs(32, who) as PairBatch),
    memory: noise([2, 4, 4, 4], 7) as tf.Tensor4D,
    pairing: { sar: ownOf([0, 1, 2, 1, 2, 0, 0, 3, 4], who), optical: ownOf([0, 1, 2, 0, 1, 2, 3, 0, 1], who) },
    ...{ labels: tf.tensor1d([...labels], 'int32'), weights: tf.tensor1d(classWeights(labels)), leftOut: 1 },
    margins: { pairs: [{ made: 4, own: 1 }], sizes: [2], weight: 0.5 },
  };
}

/** Three windows, of 5 × 5 places, and four templates. */
function windows(who: Who): Batch {
  const positive = tf.buffer([3, 5, 5]);
  for (let i = 0; i < 3; i++) positive.set(1, i, i, 2);
  return {
    sar: rowsOf(noise([4, 32, 32, 1], 3), who) as tf.Tensor4D,
    optical: rowsOf(noise([3, 40, 40, 1], 4), who) as tf.Tensor4D,
    ...{ positive: positive.toTensor() as tf.Tensor3D, ignored: tf.zeros([3, 5, 5]) as tf.Tensor3D },
    ...{ rivals: tf.ones([4, 3]) as tf.Tensor2D, descriptor: 0.1 },
    ...(who.size > 1 && { share: 1 / who.size }),
  };
}

interface Config {
  loss?: LossSettings;
  frozen?: boolean;
  [key: string]: unknown;
}

interface Taken {
  loss: number;
  values: Map<string, Float32Array>;
}

function take({ loss: of, frozen, ...config }: Config, batchOf: (who: Who) => Batch, processes?: Processes): Taken {
  tf.engine().startScope();
  try {
    const matcher = createMatcher({ side: 64, sarBands: 1, opticalBands: 1, seed: 5, ...config } as never);
    const batch = batchOf(processes?.communicator ?? alone);
    try {
      const options = { l2: 1e-3, seed: 3, step: 2, loss: of && { settings: of, logScale: 0.5 }, frozen, processes };
      const { loss, gradients, ofScale } = gradientsOf(matcher, batch, options);
      const tensors = Object.entries({
        ...gradients,
        ...Object.fromEntries(matcher.statistics),
        ...(of && { ofScale }),
      });
      const values = new Map(tensors.map(([name, x]) => [name, x!.dataSync<'float32'>().slice()]));
      return { loss: loss.dataSync()[0]!, values };
    } finally {
      matcher.dispose();
    }
  } finally {
    tf.engine().endScope();
  }
}

/** Largest difference of any value of a tensor, by the largest value of that tensor. */
function difference(a: Taken, b: Taken): [name: string, difference: number] {
  const all = [...a.values].map(([name, values]): [string, number] => {
    const others = b.values.get(name)!;
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    return [name, values.reduce((most, value, i) => Math.max(most, Math.abs(value - others[i]!)), 0) / scale];
  });
  return all.reduce((most, each) => (each[1] > most[1] ? each : most));
}

const PLANTED = { preset: planted.name, side: 32, width: 4 };
const CASES: [string, Config, (who: Who) => Batch][] = [
  ['planted', PLANTED, (who) => pairs(32, who)],
  [
    'planted, a softmax over the batch',
    { ...PLANTED, loss: { softmax: 1, crossEntropy: 0.5, scale: 1, ring: 0 } },
    hardPairs,
  ],
  ['planted, frozen', { ...PLANTED, frozen: true }, hardPairs],
  ['planted-pair', { preset: plantedPair.name, side: 32 }, (who) => pairs(32, who)],
  ['planted-places', { preset: plantedPlaces.name, side: 32 }, windows],
];

describe.each(CASES)('%s', (_, config, batchOf) => {
  it('has the gradients, loss and statistics of one process', () => {
    const one = take(config, batchOf);
    for (const size of [2, 3]) {
      const all = together(size, (communicator) => take(config, batchOf, { communicator, ...SETTINGS }));
      expect(all[0]!.loss).toBeCloseTo(one.loss, 5);
      expect(difference(one, all[0]!)[1], `${size}: ${difference(one, all[0]!)}`).toBeLessThan(1e-4);
      for (const other of all.slice(1)) expect(difference(all[0]!, other)[1]).toBe(0);
    }
  });
});

it('statistics of each share move the moving ones by their mean, the same in all processes', () => {
  const settings = { ...SETTINGS, statistics: 'local' } as const;
  // Of the towers, which see a share's patches alone; behind them pairs meet across the shares.
  const moved = ([name]: [string, Float32Array]) => /^(sar|optical)\..*\.(mean|variance)$/.test(name);
  for (const size of [2, 3]) {
    const shares = Array.from({ length: size }, (_, rank) => {
      // The share as a batch of its own, in one process.
      const who = { rank, size };
      const { sar, optical } = pairs(32, who);
      const rows = Array.from({ length: sar.shape[0] }, (_, i) => i);
      const labels = rows.map((_, i) => (i === 0 ? 1 : 0)) as (0 | 1)[];
      const own = () => ({
        ...{ sar, optical, pairing: { sar: rows, optical: rows.map((i) => i % optical.shape[0]) } },
        ...{ labels: tf.tensor1d(labels, 'int32'), weights: tf.tensor1d(rows.map(() => 1)) },
      });
      return take(PLANTED, own).values;
    });
    const all = together(size, (communicator) => take(PLANTED, (who) => pairs(32, who), { communicator, ...settings }));
    for (const other of all.slice(1)) expect(difference(all[0]!, other)[1]).toBe(0);
    const statistics = [...all[0]!.values].filter(moved);
    expect(statistics.length).toBeGreaterThan(0);
    for (const [name, values] of statistics) {
      values.forEach((value, i) => {
        const mean = shares.reduce((sum, share) => sum + share.get(name)![i]!, 0) / size;
        expect(Math.abs(value - mean), `${name} ${i}`).toBeLessThan(1e-5);
      });
    }
  }
});
