/** Made negatives by the command line: what is written, what training takes, what is refused. The generator is a stand-in. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import shortcut from '../../packages/cli/src/commands/experiment/shortcut.ts';
import train from '../../packages/cli/src/commands/train.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { type Dataset, openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { UsageError } from '../../packages/core/src/errors.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { saveCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { readNegatives } from '../../packages/core/src/mining/negatives_file.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { fitNormalisation, normalisationOptionsSchema } from '../../packages/core/src/prepare/fit_normalisation.ts';
import type { Normalisation } from '../../packages/core/src/prepare/normalisation.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { planted } from '../core/matcher/planted_architecture.ts';
import { blockGenerator } from '../core/training/matcher/block_generator.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runCommand, runDoppel } from './run_command.ts';

const given = vi.hoisted(() => ({ generator: undefined as unknown }));
vi.mock('../../packages/cli/src/open_generator.ts', () => ({ openGeneratorFile: async () => given.generator }));

const store = new FileStore();
let folder: string;
let dataset: Dataset;
let normalisation: Normalisation;
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  ARCHITECTURES.add(planted);
  await selectBackend({ requested: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'doppel-made-'));
  await writeSyntheticDataset(store, at('data'));
  dataset = await openDataset(store, at('data'));
  normalisation = await fitNormalisation(dataset, dataset.indicesOf('train'), normalisationOptionsSchema.parse({}));
  given.generator = blockGenerator(normalisation, dataset.fingerprint);
  const matcher = createMatcher({ preset: planted.name, side: 64, sarBands: 1, opticalBands: 1, seed: 1 });
  await saveCheckpoint(store, at('a.safetensors'), {
    matcher: matcher.config,
    tensors: await valuesOf(new Map([...matcher.parameters, ...matcher.statistics])),
    normalisation,
    calibration: { temperature: 1, threshold: 0.5 },
    metrics: {},
    trainedOn: { folder: at('data'), dataFingerprint: dataset.fingerprint },
    inputs: { from: null, negatives: null },
    backend: 'wasm',
    training: {},
  });
  matcher.dispose();
});
afterAll(() => rm(folder, { recursive: true }));

const doppelMine = (out: string, ...args: string[]) => {
  const common = ['--model', at('a.safetensors'), '--data', at('data'), '--backend', 'wasm', '--out', at(out)];
  return runDoppel(['mine', ...args.slice(0, 2), ...common, ...args.slice(2)]);
};
const GENERATED = ['--strategy', 'generated', '--generator', 'g.safetensors'];

describe('doppel mine', () => {
  test('makes a negative for each pair, with reconstructions and a sheet, which training takes', async () => {
    const args = [...GENERATED, '--rule', 'sample', '--strength', '2', '--reconstructions', '--sheet', '--json'];
    const { stdout } = await doppelMine('made/hard.jsonl', ...args);
    expect(JSON.parse(stdout)).toMatchObject({
      negatives: 12,
      reconstructions: 12,
      anchors: 12,
      generator: 'g.safetensors',
    });
    expect((await readdir(at('made'))).sort()).toEqual([
      'hard.jsonl',
      'hard.patches.safetensors',
      'hard.png',
      'hard.report.json',
    ]);
    expect(decode(await readFile(at('made/hard.png'))).channels).toBe(3);
    const header = JSON.parse((await readFile(at('made/hard.jsonl'), 'utf8')).split('\n')[0]!);
    expect(header).toMatchObject({ strategy: 'generated', seed: 1, settings: { rule: 'sample', strength: 2 } });
    expect(header.generatorFingerprint).toBe('b'.repeat(64));
    const { generated } = await readNegatives(store, at('made/hard.jsonl'), dataset);
    expect(generated!.negatives).toHaveLength(12);

    const yaml =
      'preset: planted\nstepsPerEpoch: 2\nbatch: {positives: 2, negatives: 2}\nvalidation: {positives: 2}\nnegatives: {generated: [0, 0.5], reconstructions: true}\n';
    await writeFile(at('train.yaml'), yaml);
    const trained = await runCommand(train, [
      ...[at('data'), '--config', at('train.yaml'), '--epochs', '2', '--out', at('run'), '--backend', 'wasm', '--json'],
      ...['--from', at('a.safetensors'), '--negatives', at('made/hard.jsonl')],
    ]);
    expect(JSON.parse(trained.stdout)).toMatchObject({ epochs: 2, interrupted: false });
  });

  test('chooses the hardest of made and real ones, and says what it dropped', async () => {
    const loose = ['--min-score', '0', '--relative-margin', '0', '--min-distance', '0.1'];
    const args = [
      '--strategy',
      'adaptive',
      '--generator',
      'g.safetensors',
      '--strengths',
      '0.5,1',
      '--real',
      '2',
      ...loose,
    ];
    const { stdout } = await doppelMine('adaptive.jsonl', ...args);
    expect(stdout).toMatch(/negatives for 12 anchors by the strategy adaptive/);
    expect(stdout).toMatch(/dropped as (margin|guard): \d+ candidates/);
    const alone = await doppelMine('real.jsonl', '--strategy', 'adaptive', '--strengths', '', ...loose, '--json');
    expect(JSON.parse(alone.stdout)).toMatchObject({ candidates: { made: 0 }, generator: null });
    const kinds = ['--per-kind', '--real', '1', '--nearest', '2', '--strengths', '', ...loose, '--json'];
    const both = JSON.parse((await doppelMine('kinds.jsonl', '--strategy', 'adaptive', ...kinds)).stdout);
    expect(both.candidates.real).toBeGreaterThan(12);
    expect(both.chosen.real).toBeGreaterThan(12);
  });

  test.each([
    [['--strategy', 'generated'], /--generator.*none.*doppel generator train/],
    [[...GENERATED, '--split', 'test'], /--split.*one of train.*"test"/],
    [[...GENERATED, '--analysis'], /found --analysis/],
    [[...GENERATED, '--rank-min', '2'], /found --rank-min/],
    [[...GENERATED, '--strengths', '1'], /--strength\\?/],
    [['--strategy', 'loss', '--strength', '1'], /found --strength/],
    [[...GENERATED, '--k', '2'], /--k: the rule sigma.*k is 1/],
    [['--strategy', 'adaptive', '--generator', 'g', '--strengths', '1,far'], /--strengths.*"1,far"/],
  ])('refuses what cannot be meant: %o', async (args, message) => {
    await expect(doppelMine('refused.jsonl', ...args)).rejects.toThrow(UsageError);
    await expect(doppelMine('refused.jsonl', ...args)).rejects.toThrow(message);
  });

  test('refuses a generator of another normalisation', async () => {
    const before = given.generator;
    given.generator = blockGenerator(
      { ...normalisation, sar: { ...normalisation.sar, clip: null } },
      dataset.fingerprint,
    );
    await expect(doppelMine('refused.jsonl', ...GENERATED)).rejects.toThrow(/sar\.clip/);
    given.generator = before;
  });
});

test('doppel experiment shortcut says how far being made gives a patch away', async () => {
  const args = [
    '--generator',
    'g',
    '--model',
    at('a.safetensors'),
    '--data',
    at('data'),
    '--split',
    'train',
    '--backend',
    'wasm',
  ];
  const { stdout } = await runCommand(shortcut, args);
  expect(stdout).toMatch(/12 true pairs of 4 places \(train\)/);
  expect(stdout).toMatch(/reconstruction, match speckle +-?\d/);
  const json = JSON.parse((await runCommand(shortcut, [...args, '--json', '--pairs', '6'])).stdout);
  expect(json).toMatchObject({ pairs: 6, rule: 'sigma', strength: 1 });
  expect(json.reconstructions.none.probeAuc).toBeGreaterThan(0.5);
});
