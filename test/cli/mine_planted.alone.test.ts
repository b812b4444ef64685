/** A strategy is its file and its line in the Map: planted here, it is a command, a kind of file and an arm of an experiment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { DOPPEL } from '../../packages/cli/src/commands.ts';
import { askedHelp } from '../../packages/cli/src/dispatch.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { type Dataset, openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { saveCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import type { MinedNegative } from '../../packages/core/src/mining/negatives.ts';
import { readNegatives } from '../../packages/core/src/mining/negatives_file.ts';
import { scoreReferences } from '../../packages/core/src/mining/pair_scores.ts';
import { anchorsOf } from '../../packages/core/src/mining/plan.ts';
import { STRATEGIES } from '../../packages/core/src/mining/strategies.ts';
import type { Strategy } from '../../packages/core/src/mining/strategy.ts';
import { openModel } from '../../packages/core/src/model.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { negativesOf } from '../../packages/experiment/src/arm_negatives.ts';
import { parseExperiment } from '../../packages/experiment/src/config.ts';
import { planCells } from '../../packages/experiment/src/plan.ts';
import { syntheticNormalisation } from '../core/training/matcher/synthetic.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runDoppel } from './run_command.ts';

/** The record some steps further on, round the split. */
const planted: Strategy<{ steps: number }> = {
  name: 'planted',
  description: 'The pair some steps further on',
  settings: z.strictObject({
    steps: z.int().positive().default(5).meta({ description: 'Steps to the negative, in pairs' }),
  }),
  trainingOnly: false,
  unit: 'pairs',
  async find(bench, { steps }, watch) {
    const anchors = anchorsOf(bench.dataset, bench.split);
    const pairs = anchors.map((optical, i) => ({ sar: anchors[(i + steps) % anchors.length]!, optical }));
    const scores = await scoreReferences(pairs, bench, watch);
    const negatives = pairs.map((pair, i): MinedNegative => {
      const scored = { score: scores[i]!, positiveScore: 0, probability: 0.5, rank: 0, reason: 'planted' };
      return { ...pair, label: 0, provenance: 'mined', ...scored };
    });
    return {
      header: {
        ...{ doppel: 'negatives', version: 1, strategy: 'planted', split: bench.split, scale: 'probability' },
        ...{ dataFingerprint: bench.dataset.fingerprint, modelFingerprint: bench.model.info.fingerprint },
        ...{ seed: bench.seed, k: 1, sampling: 'top', maxCandidates: 1, maxUses: 1 },
        ...{ guardMargin: bench.guard.margin, rules: {} },
      },
      negatives,
      report: { anchors: anchors.length, quantiles: {} },
    };
  },
};

const store = new FileStore();
let folder: string;
let dataset: Dataset;
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  STRATEGIES.add(planted);
  await selectBackend({ requested: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'doppel-planted-'));
  await writeSyntheticDataset(store, at('data'));
  dataset = await openDataset(store, at('data'));
  const matcher = createMatcher({ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, seed: 1 });
  await saveCheckpoint(store, at('a.safetensors'), {
    matcher: matcher.config,
    tensors: await valuesOf(new Map([...matcher.parameters, ...matcher.statistics])),
    normalisation: await syntheticNormalisation(),
    calibration: { temperature: 1, threshold: 0.5 },
    metrics: {},
    trainedOn: { folder: at('data'), dataFingerprint: 'of other data' },
    inputs: { from: null, negatives: null },
    backend: 'wasm',
    training: {},
  });
  matcher.dispose();
});
afterAll(() => rm(folder, { recursive: true }));

it('is registered once', () => {
  expect(() => STRATEGIES.add(planted)).toThrow(/Cannot register the strategy planted/);
});

it('is a command with its settings as flags', async () => {
  expect(await askedHelp(DOPPEL, ['mine', '--help'])).toMatch(
    /planted +Hard negatives: the pair some steps further on/,
  );
  expect(await askedHelp(DOPPEL, ['mine', 'planted', '--help'])).toMatch(
    /--steps <n> +Steps to the negative.*default 5/,
  );
  const words = ['--model', at('a.safetensors'), '--data', at('data'), '--backend', 'wasm', '--out', at('n.jsonl')];
  const { stdout } = await runDoppel(['mine', 'planted', ...words, '--steps', '3', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ anchors: 12, file: at('n.jsonl'), backend: 'wasm' });
  const { mined } = await readNegatives(store, at('n.jsonl'), dataset);
  const train = dataset.indicesOf('train');
  expect(mined.map(({ sar, optical }) => [sar, optical])).toEqual(
    train.map((optical, i) => [train[(i + 3) % train.length], optical]),
  );
  await expect(runDoppel(['mine', 'planted', ...words, '--steps', '0'])).rejects.toThrow(/--steps.*above 0/);
  await expect(runDoppel(['mine', 'planted', ...words, '--k', '2'])).rejects.toThrow(/found --k/);
});

it('is an arm of an experiment', async () => {
  const length = { epochs: 1, stepsPerEpoch: 1 };
  const arms = { random: { strategy: 'random' }, further: { strategy: 'planted', steps: 4, share: 0.5 } };
  const config = parseExperiment({ data: 'd', seeds: [1], budgets: [1], base: length, tune: length, arms }, 'test');
  expect(planCells(config)[0]!.arms.map(({ name }) => name)).toEqual(['random', 'further']);
  const model = await openModel(await store.read(at('a.safetensors')), 'a');
  const anchors = dataset.indicesOf('train').slice(0, 6);
  const task = { store, dataset, model, arm: config.arms.further!, config, generator: undefined, anchors, seed: 1 };
  const { negatives, settings } = await negativesOf(task).finally(() => model.dispose());
  expect(negatives!.mined.map(({ sar }) => sar)).toEqual([...anchors.slice(4), ...anchors.slice(0, 4)]);
  expect(settings).toEqual({ negatives: { mined: 0.5 } });
});
