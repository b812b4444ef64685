/** A whole run of a tiny `spatial` generator: it resumes bit for bit, and opens at the side of the data. */
import { addonBackend } from '@doppel/native-cuda';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, expect, it, vi } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { sha256 } from '../../../../packages/core/src/base/sha256.ts';
import { loadGenerator } from '../../../../packages/core/src/generator/checkpoint.ts';
import { openGenerator } from '../../../../packages/core/src/generator/open.ts';
import { packGenerator } from '../../../../packages/core/src/generator/pack.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { resolveGeneratorTraining } from '../../../../packages/core/src/training/generator/config.ts';
import { type GeneratorTask, loadLastGenerator } from '../../../../packages/core/src/training/generator/task.ts';
import { trainGenerator } from '../../../../packages/core/src/training/generator/train.ts';
import { backendLoaders, backendReports } from '../../../backends.ts';
import { syntheticDataset } from '../matcher/synthetic.ts';

beforeEach(async () => {
  await selectBackend({ requested: 'wasm' });
});

const SIDE = 20;
const LAST = 'run/checkpoints/last.safetensors';
const given = {
  ...{ preset: 'spatial', images: 12, batch: 2, cell: 2, channels: [4, 4, 4], detail: 2 },
  samples: { grid: 2, everySteps: 100 },
  adversarial: { weight: 0.1, from: 0.5, channels: 2 },
};
const dataset = syntheticDataset({ side: SIDE, unit: 'amplitude' });

function taskOf(store: MemoryStore, more: Partial<GeneratorTask> = {}): GeneratorTask {
  const config = resolveGeneratorTraining([given], { data: 'synthetic', side: SIDE }, 'the test');
  return { store, dataset, run: 'run', start: { config }, backend: 'wasm', ...more };
}

it('resumes bit for bit where its steps are captured', async (context) => {
  const { available, reason } = (await backendReports()).native!;
  if (!available) context.skip(`the backend native: ${reason}`);
  const { captureStep } = await selectBackend({ requested: 'native', loaders: await backendLoaders() });
  const { device } = addonBackend('native')!;
  const { graphs } = device.memory(); // of models that other files of this process left open
  const { adversarial: _, ...uncriticised } = given;
  // The average's decay stands from the third step on.
  const config = resolveGeneratorTraining(
    [{ ...uncriticised, images: 16, ema: 0.7 }],
    { data: 'synthetic', side: SIDE },
    'the test',
  );
  const start = { start: { config }, backend: 'native' };
  const lines: string[] = [];
  const replays = vi.spyOn(device, 'replay').mockClear();
  const whole = new MemoryStore();
  await trainGenerator(taskOf(whole, { ...start, onLog: (line) => lines.push(line) }));
  expect(captureStep).toBeTypeOf('function');
  expect(replays).toHaveBeenCalledTimes(6);
  expect(lines.join()).not.toContain('one by one');
  const parts = new MemoryStore();
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => (step === 5 ? controller.abort() : undefined);
  await trainGenerator(taskOf(parts, { ...start, signal: controller.signal, onProgress }));
  await trainGenerator(taskOf(parts, { backend: 'native', start: { last: await loadLastGenerator(parts, 'run') } }));
  expect(replays).toHaveBeenCalledTimes(12);
  replays.mockRestore();
  expect(await sha256(parts.files.get(LAST)!)).toBe(await sha256(whole.files.get(LAST)!));
  expect(device.memory().graphs).toBe(graphs);
});

it('resumes bit for bit, and makes patches of the side of the data', async () => {
  const whole = new MemoryStore();
  expect(await trainGenerator(taskOf(whole))).toMatchObject({ steps: 6, images: 12, interrupted: false });
  const parts = new MemoryStore();
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }) => (step === 4 ? controller.abort() : undefined);
  expect(await trainGenerator(taskOf(parts, { signal: controller.signal, onProgress }))).toMatchObject({
    interrupted: true,
    steps: 4,
  });
  const unfinished = openGenerator(parts.files.get(LAST)!, LAST);
  await expect(unfinished).rejects.toThrow(/statistics of speckle.*found none.*--resume RUN/s);
  await trainGenerator(taskOf(parts, { start: { last: await loadLastGenerator(parts, 'run') } }));
  const [a, b] = [whole.files.get(LAST)!, parts.files.get(LAST)!];
  expect(await sha256(b)).toBe(await sha256(a));

  const { networks, normalisation } = await loadGenerator(whole, LAST);
  expect(networks).toMatchObject({ side: 24, cell: 2, critic: 2, decibels: normalisation.sar.std });
  expect(normalisation.sar).toMatchObject({ unit: 'dB', standardise: 'dataset' });
  const generator = await openGenerator(a, LAST);
  expect(generator.info).toMatchObject({ side: SIDE, latent: 18, preset: 'spatial', objective: 'gamma-vae' });
  const made = generator.decode(generator.encode(tf.zeros([1, SIDE, SIDE, 1])).mu);
  expect(made.shape).toEqual([1, SIDE, SIDE, 1]);
  const packed = packGenerator(a, LAST);
  expect(packed.length).toBeLessThan(a.length / 2);
  const smaller = await openGenerator(packed, 'packed');
  const again = smaller.decode(smaller.encode(tf.zeros([1, SIDE, SIDE, 1])).mu);
  expect([...again.dataSync()]).toEqual([...made.dataSync()]);
  expect(packGenerator(packed, 'packed'), 'packing again changes nothing').toEqual(packed);
  smaller.dispose();
  generator.dispose();
});
