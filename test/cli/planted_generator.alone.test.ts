/** A generator planted in the list trains, opens and makes patches by the command line, with nothing else edited. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { GeneratorArchitecture, GeneratorSettings } from '../../packages/core/src/generator/architecture.ts';
import { GENERATORS } from '../../packages/core/src/generator/architectures.ts';
import { loadGenerator } from '../../packages/core/src/generator/checkpoint.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { variableGradients } from '../../packages/core/src/ops/variable_gradients.ts';
import { adamStep } from '../../packages/core/src/runs/moments.ts';
import { readText } from '../../packages/core/src/store.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runDoppel } from './run_command.ts';

interface TinyConfig {
  side: number;
  codes: number;
}
type TinySettings = GeneratorSettings & TinyConfig & { steps: number };

const kernel = (parameters: ReadonlyMap<string, tf.Tensor>) => [...parameters.values()][0] as tf.Tensor2D;

/** Linear auto-encoder with codes of [codes, 1], no critic, that does not grow. */
const tiny: GeneratorArchitecture<TinyConfig, TinySettings> = {
  name: 'tiny',
  networks: z.strictObject({ side: z.int(), codes: z.int() }),
  parameters: ({ side, codes }) => [
    { name: 'encoder.dense.kernel', network: 'encoder', shape: [side * side, 2 * codes] },
    { name: 'decoder.dense.kernel', network: 'decoder', shape: [codes, side * side] },
    { name: 'average.dense.kernel', network: 'average', shape: [codes, side * side] },
  ],
  initial: ({ shape }, seed) => tf.randomNormal(shape, 0, 0.01, 'float32', seed),
  latentShape: ({ codes }) => [codes, 1],
  sides: ({ side }) => [side],
  encode(encoder, x) {
    const [mu, logvar] = tf.split(tf.matMul(tf.reshape(x, [x.shape[0], -1]), kernel(encoder)), 2, 1);
    return { mu: mu as tf.Tensor2D, logvar: logvar as tf.Tensor2D };
  },
  decode(decoder, z) {
    const side = Math.sqrt(kernel(decoder).shape[1]);
    return tf.reshape(tf.matMul(z, kernel(decoder)), [z.shape[0], side, side, 1]) as tf.Tensor4D;
  },
  recipe: {
    objectives: ['squares'],
    losses: ['decoder.squares'],
    settings: { codes: z.int().positive(), steps: z.int().positive() },
    removed: [],
    defaults: () => ({ codes: 3, steps: 4, metrics: { everySteps: 1 }, samples: { grid: 2 } }),
    check: () => {},
    networksOf: ({ side, codes }) => ({ side, codes }),
    stages: ({ side, steps }) => [
      { ...{ index: 0, stage: 0, side, batch: 4, fadeSteps: 0, steps }, ...{ firstStep: 0, firstImage: 0 } },
    ],
    hasPosterior: () => false,
    step(generator, moments, batch, _settings, { stage, alpha, step }) {
      const parameters = [...generator.encoder, ...generator.decoder];
      return tf.tidy(() => {
        const { value, grads } = variableGradients(
          () => {
            const { mu } = tiny.encode(generator.encoder, batch, { stage, alpha });
            return tf.losses.meanSquaredError(batch, tiny.decode(generator.decoder, mu, { stage, alpha })) as tf.Scalar;
          },
          parameters.map(([, variable]) => variable),
        );
        const gradients = Object.fromEntries(parameters.map(([name, { name: own }]) => [name, grads[own]!]));
        const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        adamStep(parameters, gradients, moments, { step, ...adam });
        generator.average.get('average.dense.kernel')!.assign(tf.clone(kernel(generator.decoder)));
        return { 'decoder.squares': value };
      });
    },
    culprit: (losses) => (Object.values(losses).every(Number.isFinite) ? undefined : 'decoder'),
  },
};
GENERATORS.add(tiny);

const store = new FileStore();
let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-planted-'));
  await writeSyntheticDataset(store, at('data'));
});
afterAll(() => rm(folder, { recursive: true }));

it('trains by its name, writes its own losses, and makes patches', async () => {
  const run = at('run');
  const flags = ['--preset', 'tiny', '--out', run, '--backend', 'wasm', '--json'];
  const { stdout } = await runDoppel(['generator', 'train', at('data'), ...flags]);
  expect(JSON.parse(stdout)).toMatchObject({ steps: 4, images: 16, interrupted: false });
  const [header, ...rows] = (await readText(store, join(run, 'metrics.csv'))).trimEnd().split('\n');
  expect(header).toBe('step,images,side,alpha,decoder.squares,imagesPerSecond,seconds');
  expect(rows).toHaveLength(4);
  const squares = rows.map((row) => Number(row.split(',')[4]));
  expect(squares.at(-1)).toBeLessThan(squares[0]!);
  const file = join(run, 'checkpoints', 'last.safetensors');
  expect(await loadGenerator(store, file)).toMatchObject({
    ...{ preset: 'tiny', objective: 'squares', networks: { side: 64, codes: 3 } },
    resume: { state: { step: 4 } },
  });
  const sample = ['--generator', file, '--out', at('samples'), '--count', '3', '--backend', 'wasm', '--json'];
  expect(JSON.parse((await runDoppel(['generator', 'sample', ...sample])).stdout)).toMatchObject({ count: 3 });
  const packed = await runDoppel([
    'generator',
    'pack',
    '--generator',
    file,
    '--out',
    at('packed.safetensors'),
    '--json',
  ]);
  const { bytes, fingerprint } = JSON.parse(packed.stdout);
  expect(await store.read(at('packed.safetensors'))).toHaveLength(bytes);
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
});

it('refuses settings that it does not have', async () => {
  await store.write(at('tiny.yaml'), new TextEncoder().encode('preset: tiny\ngrowing: []\n'));
  const words = ['generator', 'train', at('data'), '--config', at('tiny.yaml'), '--out', at('other')];
  await expect(runDoppel([...words, '--backend', 'wasm'])).rejects.toThrow(/unknown "growing"/);
});
