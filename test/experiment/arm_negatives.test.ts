/** What an arm becomes as settings of the second stage. */

import { expect, it } from 'vitest';
import { type ArmTask, negativesOf } from '../../packages/experiment/src/arm_negatives.ts';
import { armSchema, experimentConfigSchema } from '../../packages/experiment/src/config.ts';

const length = { epochs: 1, stepsPerEpoch: 1 };
const config = experimentConfigSchema.parse({
  ...{ data: 'data', seeds: [1], budgets: [1], base: length, tune: length, share: 0.2 },
  generators: { noise: 'runs/noise.safetensors' },
  arms: { random: { strategy: 'random' } },
});
/** Arms that find their negatives in training look at nothing else. */
async function settingsOf(arm: object): Promise<Record<string, unknown>> {
  const { settings } = await negativesOf({ arm: armSchema.parse(arm), config } as ArmTask);
  return settings.negatives as Record<string, unknown>;
}

it('adaptive takes made ones in the share of real ones, or in their own', async () => {
  const arm = { strategy: 'adaptive', generator: 'noise', nearest: 1 };
  expect(await settingsOf(arm)).toMatchObject({ mined: 0.2, generated: 0.2 });
  expect(await settingsOf({ ...arm, share: 0.3 })).toMatchObject({ mined: 0.3, generated: 0.3 });
  expect(await settingsOf({ ...arm, madeShare: [0.1, 0] })).toMatchObject({ mined: 0.2, generated: [0.1, 0] });
});

it('adaptive names its generator by file, and hands on what mining is told', async () => {
  const found = await settingsOf({ strategy: 'adaptive', generator: 'noise', nearest: 1, everyEpochs: 2 });
  expect(found.adaptive).toMatchObject({ generator: 'runs/noise.safetensors', nearest: 1, everyEpochs: 2 });
  expect(found.adaptive).not.toHaveProperty('madeShare');
  const real = await settingsOf({ strategy: 'adaptive', strengths: [] });
  expect(real.adaptive).toMatchObject({ generator: null, strengths: [] });
});
