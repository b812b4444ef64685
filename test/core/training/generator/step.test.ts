/** A step of the generator's training: its gradients against finite differences, the backends against each other, no leaks. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../../../packages/core/src/base/random.ts';
import { relativeError } from '../../../../packages/core/src/base/tolerance.ts';
import {
  type Generator,
  NETWORKS,
  TRAINED_NETWORKS,
  type TrainedNetwork,
} from '../../../../packages/core/src/generator/architecture.ts';
import { sideAt } from '../../../../packages/core/src/generator/architectures/progressive/parameters.ts';
import {
  applyGeneratorGradients,
  GENERATOR_ADAM,
  type GeneratorLosses,
  type GeneratorStepOptions,
  generatorGradients,
  generatorStep,
  lossValues,
  OBJECTIVES,
  type Objective,
  updatesOf,
} from '../../../../packages/core/src/generator/architectures/progressive/step.ts';
import { createGenerator, zeroGeneratorMoments } from '../../../../packages/core/src/generator/generator.ts';
import { normalNoise } from '../../../../packages/core/src/ops/ops.ts';
import type { Moments } from '../../../../packages/core/src/runs/moments.ts';
import { backendLoaders } from '../../../backends.ts';

const CONFIG = { side: 8, latent: 4, channels: { base: 16, max: 6 }, seed: 5 };
const BATCH = 8;
const FULL: GeneratorStepOptions = { objective: 'vae-adversarial', stage: 1, alpha: 1, seed: 7, step: 0 };

const select = async (requested: string) => selectBackend({ requested, loaders: await backendLoaders() });
beforeEach(() => select('wasm'));

const patches = (stage: number) =>
  normalNoise([BATCH, sideAt(stage), sideAt(stage), 1], { seed: 1, offset: 0 }) as tf.Tensor4D;

interface State {
  generator: Generator;
  moments: Moments;
}

function freshState(): State {
  const generator = createGenerator(CONFIG);
  return { generator, moments: zeroGeneratorMoments(generator) };
}

function disposeState({ generator, moments }: State): void {
  generator.dispose();
  tf.dispose([...moments.first.values(), ...moments.second.values()]);
}

async function stepOnce({ generator, moments }: State, options: GeneratorStepOptions) {
  const batch = patches(options.stage);
  const losses = await lossValues(generatorStep(generator, moments, batch, options));
  batch.dispose();
  return losses;
}

/** Adam that moves nothing and whose first moment is the gradient itself. */
const still = { learningRate: 0, beta1: 0, beta2: 0.99, epsilon: 1e-8 };
const STILL = { encoder: still, decoder: still, critic: still };

function totalLoss(losses: GeneratorLosses<number>, network: TrainedNetwork): number {
  const { real = 0, ...rest } = losses[network]!;
  return Object.values(rest).reduce((sum, term) => sum + term, 0) - real;
}

/** (f(p + εd) − f(p − εd)) / 2ε against the gradient's share along d, over random directions d of one network. */
async function directionalErrors(network: TrainedNetwork, options: GeneratorStepOptions): Promise<number[]> {
  const state = freshState();
  await stepOnce(state, { ...options, adam: STILL });
  const parameters = [...state.generator[network]];
  const gradient = parameters.map(([name]) => state.moments.first.get(name)!.dataSync<'float32'>().slice());
  const start = parameters.map(([, variable]) => variable.dataSync<'float32'>().slice());
  const norm = Math.hypot(...gradient.flatMap((values) => [...values]));
  // Small, since the slope that the penalty is of jumps where an activation changes sign.
  const epsilon = 1e-4;
  const errors: number[] = [];
  for (let trial = 0; trial < 4; trial++) {
    const rng = Rng.derive(trial, network);
    // A random direction with a share of the gradient's own, lest the derivative drown in rounding.
    const direction = gradient.map((values) => values.map((value) => (3 * value) / norm + 0.1 * rng.normal()));
    const at = async (sign: number) => {
      parameters.forEach(([, variable], i) => {
        const moved = start[i]!.map((value, j) => value + sign * epsilon * direction[i]![j]!);
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
      });
      return totalLoss(await stepOnce(state, { ...options, adam: STILL }), network);
    };
    const measured = ((await at(1)) - (await at(-1))) / (2 * epsilon);
    const expected = gradient.reduce(
      (sum, values, i) => sum + values.reduce((each, value, j) => each + value * direction[i]![j]!, 0),
      0,
    );
    errors.push(Math.abs(measured - expected) / Math.abs(expected));
  }
  disposeState(state);
  return errors;
}

describe('gradients against finite differences', () => {
  it.each([
    ['critic', { penaltyWeight: 1000, driftWeight: 0 }],
    ['critic', { penaltyWeight: 0, driftWeight: 0.1 }],
    ['critic', { penaltyWeight: 10, alpha: 0.3 }],
    ['encoder', {}],
    ['encoder', { objective: 'vae-gan', alpha: 0.6 }],
    ['encoder', { objective: 'vae-gan', reconstructionSide: 4, momentWeight: 10 }],
    ['decoder', {}],
    ['decoder', { objective: 'vae-gan' }],
  ] as [TrainedNetwork, Partial<GeneratorStepOptions>][])('%s %j', async (network, changes) => {
    for (const error of await directionalErrors(network, { ...FULL, ...changes })) expect(error).toBeLessThan(0.02);
  });
});

describe('generatorStep', () => {
  it.each(OBJECTIVES)('%s: moves what it trains, and the averaged decoder a little', async (objective) => {
    const state = freshState();
    const { generator } = state;
    const copy = (network: TrainedNetwork | 'average') =>
      [...generator[network].values()].map((variable) => variable.dataSync().slice());
    const before = Object.fromEntries([...TRAINED_NETWORKS, 'average' as const].map((each) => [each, copy(each)]));
    const losses = await stepOnce(state, { ...FULL, objective });
    for (const network of TRAINED_NETWORKS) {
      const moved = relativeErrors(copy(network), before[network]!).some((error) => error > 0);
      expect(moved, network).toBe(network !== 'critic' || objective !== 'autoencoder');
    }
    const index = [...generator.decoder.keys()].indexOf('decoder.conv8a.filter');
    const [old, now] = [before.decoder![index]!, copy('decoder')[index]!];
    const expected = old.map((value, i) => value + 0.001 * (now[i]! - value));
    expect(relativeError(copy('average')[index]!, expected)).toBeLessThan(1e-6);
    for (const terms of Object.values(losses))
      for (const term of Object.values(terms)) expect(term).toBeTypeOf('number');
    disposeState(state);
  });

  it('reports the terms of each loss', async () => {
    const names = async (objective: Objective) => {
      const state = freshState();
      const losses = await stepOnce(state, { ...FULL, objective });
      disposeState(state);
      return Object.fromEntries(Object.entries(losses).map(([network, terms]) => [network, Object.keys(terms).sort()]));
    };
    const critic = ['drift', 'fake', 'penalty', 'real'];
    const encoder = ['kl', 'reconstruction'];
    expect(await names('vae-adversarial')).toEqual({ encoder, critic, decoder: ['adversarial'] });
    expect(await names('vae-gan')).toEqual({ encoder, critic, decoder: ['adversarial', 'reconstruction'] });
    expect(await names('autoencoder')).toEqual({ encoder: ['reconstruction'] });
  });

  it('weighs the reconstructions of vae-gan, for encoder and decoder', async () => {
    const terms = async (more: Partial<GeneratorStepOptions>) => {
      const state = freshState();
      const losses = await stepOnce(state, { ...FULL, objective: 'vae-gan', adam: STILL, ...more });
      disposeState(state);
      return losses;
    };
    const [plain, heavy] = [await terms({}), await terms({ reconstructionWeight: 30 })];
    for (const network of ['encoder', 'decoder'] as const) {
      expect(heavy[network]!.reconstruction).toBeCloseTo(30 * plain[network]!.reconstruction!, 3);
    }
    expect(heavy.encoder!.kl).toBe(plain.encoder!.kl);
  });

  it('leaves what is finer than the reconstruction side out of the reconstruction', async () => {
    const reconstruction = async (more: Partial<GeneratorStepOptions>) => {
      const state = freshState();
      const losses = await stepOnce(state, { ...FULL, objective: 'vae-gan', adam: STILL, ...more });
      disposeState(state);
      return losses.encoder!.reconstruction!;
    };
    const whole = await reconstruction({});
    expect(await reconstruction({ reconstructionSide: CONFIG.side })).toBeCloseTo(whole, 6);
    expect(await reconstruction({ reconstructionSide: 4 })).toBeLessThan(whole);
  });

  it('holds the codes of a batch to mean and variance of the prior', async () => {
    const state = freshState();
    const alone = { klWeight: 0, reconstructionWeight: 0, momentWeight: 1 };
    const options = { ...FULL, ...alone, objective: 'vae-gan' as const, code: 'mean' as const };
    const adam = { ...STILL, encoder: { ...GENERATOR_ADAM.encoder, learningRate: 5e-3 } };
    const distances: number[] = [];
    for (let step = 0; step < 40; step++) {
      const losses = await stepOnce(state, { ...options, step, adam });
      distances.push(losses.encoder!.moments!);
    }
    expect(distances.at(-1)!).toBeLessThan(0.7 * distances[0]!);
    disposeState(state);
  });

  it.each(OBJECTIVES)('%s: leaves no tensor behind', async (objective) => {
    const state = freshState();
    const options = { ...FULL, objective, alpha: 0.5 };
    await stepOnce(state, options);
    const before = tf.memory();
    await stepOnce(state, { ...options, step: 1 });
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
    disposeState(state);
  });

  it('repeats exactly for a seed, and differs for another seed or step', async () => {
    const after = async (options: Partial<GeneratorStepOptions>) => {
      const state = freshState();
      const losses = await stepOnce(state, { ...FULL, ...options });
      disposeState(state);
      return losses;
    };
    expect(await after({})).toEqual(await after({}));
    expect(await after({ seed: 8 })).not.toEqual(await after({}));
    expect((await after({ step: 1 })).critic!.fake).not.toBe((await after({})).critic!.fake);
  });

  it('leaves the levels alone that a stage does not use', async () => {
    const state = freshState();
    const filter = state.generator.decoder.get('decoder.conv8a.filter')!;
    const before = filter.dataSync().slice();
    await stepOnce(state, { ...FULL, stage: 0 });
    expect(filter.dataSync()).toEqual(before);
    disposeState(state);
  });

  it('learns to reconstruct', async () => {
    const state = freshState();
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const adam = { ...GENERATOR_ADAM, encoder: { ...GENERATOR_ADAM.encoder, learningRate: 5e-3 } };
      const { encoder } = await stepOnce(state, { ...FULL, objective: 'autoencoder', step, adam });
      losses.push(encoder!.reconstruction!);
    }
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
    disposeState(state);
  });
});

const relativeErrors = (actual: ArrayLike<number>[], expected: ArrayLike<number>[]) =>
  actual.map((values, i) => relativeError(values, expected[i]!));

/** Losses and gradients (moments of a first step that moves nothing) of every network. */
async function gradientsOn(backend: string, objective: Objective) {
  await select(backend);
  const state = freshState();
  const losses = await stepOnce(state, { ...FULL, objective, alpha: 0.7, adam: STILL });
  const gradients = [...state.moments.first.values()].map((moment) => moment.dataSync().slice());
  disposeState(state);
  return { losses: Object.values(losses).flatMap((terms) => Object.values(terms)), gradients };
}

const backends = (await backendLoaders()).map(({ name }) => name);
describe.each(['wasm', ...backends.filter((name) => name === 'native')])('%s', (backend) => {
  it.each(OBJECTIVES)('steps as cpu does: %s', async (objective) => {
    const [actual, expected] = [await gradientsOn(backend, objective), await gradientsOn('cpu', objective)];
    expect(relativeError(actual.losses, expected.losses)).toBeLessThan(1e-4);
    expect(Math.max(...relativeErrors(actual.gradients, expected.gradients))).toBeLessThan(1e-4);
  });
});

it('takes its updates in the published order, and is their gradients and applications put together', async () => {
  expect(updatesOf('vae-gan')).toEqual(['encoder', 'critic', 'decoder']);
  for (const objective of OBJECTIVES) {
    const [whole, parts] = [freshState(), freshState()];
    const options = { ...FULL, objective };
    const losses = await stepOnce(whole, options);
    const batch = patches(options.stage);
    for (const update of updatesOf(objective)) {
      const { terms, gradients } = generatorGradients(parts.generator, batch, update, options);
      applyGeneratorGradients(parts.generator, parts.moments, gradients, options);
      for (const [term, value] of Object.entries(terms)) expect(value.dataSync()[0]).toBe(losses[update]![term]);
      tf.dispose([terms, gradients]);
    }
    batch.dispose();
    for (const network of NETWORKS) {
      const values = ({ generator }: State) => [...generator[network].values()].map((each) => each.dataSync());
      expect(values(parts), `${objective}, ${network}`).toEqual(values(whole));
    }
    for (const each of [whole, parts]) disposeState(each);
  }
});
