/** Batches of windows that processes share: together they are the batch of one. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../../packages/core/src/backends/select_backend.ts';
import { ALONE, type Processes } from '../../../../../packages/core/src/processes/communicator.ts';
import { resolveConfig } from '../../../../../packages/core/src/training/matcher/config.ts';
import { runNegativesOf } from '../../../../../packages/core/src/training/matcher/hard_negatives.ts';
import { localisationSupply } from '../../../../../packages/core/src/training/matcher/localisation/supply.ts';
import { patchWindows } from '../../../../../packages/core/src/training/matcher/localisation/training_scenes.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const SIDE = 64;
const records = Array.from({ length: 8 }, (_, i) => i);
const patch = async (record: number) => Float32Array.from({ length: SIDE * SIDE }, (_, i) => record + i / 1e4);
const shape = { side: SIDE, sarBands: 1, opticalBands: 1 } as const;
const settings = {
  batch: { positives: 5, negatives: 3 },
  negatives: { mined: 1 },
  localisation: { search: 8, perScene: 1 },
};
const config = resolveConfig(
  [{ preset: 'dense', ...settings }],
  { data: 'synthetic', side: SIDE, positives: 8 },
  'the test',
);
const mined = records.map((optical) => ({ optical, sar: (optical + 3) % 8, label: 0 as const }));

function batchOf(processes?: Processes) {
  const patches = { sar: patch, optical: patch };
  const guard = { conflict: () => false } as never;
  const supply = localisationSupply({
    ...{ source: patchWindows(records, guard, patches, shape, 8), config, settings: config.localisation!, stride: 2 },
    ...{ shape: { ...shape, side: SIDE - 16 }, patches, processes },
  });
  return supply.batch(0, runNegativesOf({ mined }, config.negatives, undefined));
}

const shareOf = (rank: number, size: number, matrix: Processes['matrix']): Processes => ({
  ...{ communicator: { ...ALONE, rank, size }, statistics: 'synchronised', matrix },
});
const rowsOf = (x: tf.Tensor): string[] => {
  const [rows] = x.shape as [number];
  return Array.from({ length: rows }, (_, row) => String([...tf.slice(x, row, 1).dataSync()]));
};

describe('two processes', () => {
  it('that gather have every second template and window, and all masks', async () => {
    const whole = await batchOf();
    const parts = await Promise.all([0, 1].map((rank) => batchOf(shareOf(rank, 2, 'gathered'))));
    expect(whole.sar.shape[0]).toBeGreaterThan(5); // further templates, where there was room around their anchors
    for (const [rank, part] of parts.entries()) {
      for (const of of ['sar', 'optical'] as const) {
        expect(rowsOf(part[of])).toEqual(rowsOf(whole[of]).filter((_, row) => row % 2 === rank));
      }
      for (const of of ['positive', 'ignored', 'rivals'] as const) {
        expect(rowsOf(part[of])).toEqual(rowsOf(whole[of]));
      }
      expect(part.share).toBe(0.5);
    }
  });

  it('that do not compare their own windows, with the templates that are negatives of these', async () => {
    const whole = await batchOf();
    const parts = await Promise.all([0, 1].map((rank) => batchOf(shareOf(rank, 2, 'local'))));
    expect(parts.map(({ share }) => share)).toEqual([3 / 5, 2 / 5]);
    expect(parts.map(({ optical }) => optical.shape[0])).toEqual([3, 2]);
    for (const { rivals, sar, optical, positive } of parts) {
      expect(rivals.shape).toEqual([sar.shape[0], optical.shape[0]]);
      expect(positive.shape[0]).toBe(optical.shape[0]);
      expect(Math.min(...tf.max(rivals, 1).dataSync())).toBe(1); // a further template has a window that it rivals
    }
    expect(parts.flatMap(({ sar }) => rowsOf(sar)).sort()).toEqual(rowsOf(whole.sar).sort());
  });
});
