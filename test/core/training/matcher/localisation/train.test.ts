/** Training by localisation on patches: it learns, takes hard templates, and resumes bit for bit. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../../packages/core/src/backends/select_backend.ts';
import { sha256 } from '../../../../../packages/core/src/base/sha256.ts';
import type { NegativeSet } from '../../../../../packages/core/src/generator/made_patches.ts';
import type { PartialConfig } from '../../../../../packages/core/src/runs/settings.ts';
import { MemoryStore } from '../../../../../packages/core/src/store.ts';
import { resolveConfig } from '../../../../../packages/core/src/training/matcher/config.ts';
import { loadLast, type TrainingTask } from '../../../../../packages/core/src/training/matcher/task.ts';
import { train } from '../../../../../packages/core/src/training/matcher/train.ts';
import { selectProcessorBackend } from '../../../../backends.ts';
import { syntheticDataset, syntheticNormalisation } from '../synthetic.ts';

let backend: string;

beforeAll(async () => {
  ({ name: backend } = await selectProcessorBackend());
});

const dataset = syntheticDataset();

function configOf(settings: PartialConfig = {}) {
  const small = {
    ...{ preset: 'dense', matcher: { width: 8 }, epochs: 2, stepsPerEpoch: 3, batch: { positives: 4, negatives: 0 } },
    ...{ validation: { positives: 2 }, warmupSteps: 1, localisation: { search: 12, perScene: 1 } },
  };
  return resolveConfig([small, settings], { data: 'synthetic', side: 64, positives: 12 }, 'the test');
}

const taskOf = (store: MemoryStore, more: Partial<TrainingTask> = {}): TrainingTask => ({
  ...{ store, dataset, run: 'run', start: { config: configOf() }, backend },
  ...more,
});

describe('training by localisation', () => {
  it('lowers its loss and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const start = { config: configOf({ epochs: 3, stepsPerEpoch: 8 }) };
    const { rows } = await train(taskOf(new MemoryStore(), { start }));
    expect(rows.at(-1)!.trainLoss).toBeLessThan(rows[0]!.trainLoss - 0.3);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['wasm', () => selectBackend({ requested: 'wasm' })],
    ['native where it is built', selectProcessorBackend],
  ])('resumes bit for bit: %s', async (_, select) => {
    ({ name: backend } = await select());
    const [whole, parts] = [new MemoryStore(), new MemoryStore()];
    const start = { config: configOf({ stepsPerEpoch: 2, batch: { positives: 2 } }) };
    await train(taskOf(whole, { start }));
    const controller = new AbortController();
    const onProgress = ({ step }: { step: number }) => step === 3 && controller.abort();
    await train(taskOf(parts, { start, signal: controller.signal, onProgress }));
    const last = await loadLast(parts, 'run');
    expect(last.resume.state.step).toBe(3);
    await train(taskOf(parts, { start: { last } }));
    const hash = (store: MemoryStore) => sha256(store.files.get('run/checkpoints/last.safetensors')!);
    expect(await hash(parts)).toBe(await hash(whole));
  });

  it('takes mined patches as further templates', async () => {
    const mined = dataset
      .indicesOf('train')
      .map((optical) => ({ optical, sar: (optical + 3) % 12, label: 0 as const }));
    const negatives = { file: 'mined', fingerprint: 'f', content: { mined } };
    const config = configOf({ batch: { positives: 4, negatives: 2 }, negatives: { mined: 1 } });
    const run = (more: Partial<TrainingTask>) => train(taskOf(new MemoryStore(), { start: { config }, ...more }));
    const [without, withMined] = [await run({}), await run({ negatives })];
    expect(withMined.rows[0]!.trainLoss).not.toBe(without.rows[0]!.trainLoss);
    expect(Number.isFinite(withMined.rows.at(-1)!.trainLoss)).toBe(true);
  });

  it('gathers look-alikes, takes templates of other places, and made ones that are in no loss', async () => {
    const run = async (settings: PartialConfig, content: NegativeSet = { mined: [] }) => {
      const config = configOf({ epochs: 1, stepsPerEpoch: 1, batch: { positives: 4, negatives: 2 }, ...settings });
      const negatives = { file: 'some', fingerprint: 'f', content };
      const { rows } = await train(taskOf(new MemoryStore(), { start: { config }, negatives }));
      return rows[0]!.trainLoss;
    };
    const mined = dataset.indicesOf('train').map((optical) => ({ optical, sar: dataset.indicesOf('test')[0]! }));
    const { side, sar } = await syntheticNormalisation();
    const stack = { data: new Float32Array(64 * 64).map((_, i) => Math.sin(i)), side, count: 1 };
    const made = dataset.indicesOf('train').map((optical) => ({ optical, patch: 0 }));
    const generated = { generator: null, normalisation: { side, sar }, patches: stack, negatives: made };
    const set = { mined: [], generated: { ...generated, reconstructions: [] } };
    const normalisation = { sar: { standardise: 'patch' }, optical: { standardise: 'patch' } };
    const plain = await run({});
    expect(await run({ batch: { positives: 4, negatives: 2, alike: { share: 1 } } })).not.toBe(plain);
    expect(await run({ negatives: { mined: 1 } }, { mined })).not.toBe(plain);
    const counted = await run({ normalisation, negatives: { generated: 1 } }, set);
    expect(await run({ normalisation, negatives: { generated: 1, counted: false } }, set)).toBeLessThan(counted);
  });

  it('is refused for an architecture that compares whole patches, and asked of dense', () => {
    expect(() => configOf({ preset: 'paper-bn', batch: { negatives: 2 }, matcher: undefined })).toThrow(/localisation/);
    expect(() =>
      resolveConfig([{ preset: 'paper', batch: { negatives: 0 } }], { data: 'd', side: 64, positives: 9 }, 't'),
    ).toThrow(/negatives/);
  });
});
