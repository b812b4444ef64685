/** `doppel generator evaluate`: what it writes, says and refuses. The generator is a stand-in. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import evaluate from '../../packages/cli/src/commands/generator/evaluate.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { SplitError, UsageError } from '../../packages/core/src/errors.ts';
import { saveCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { fitNormalisation, normalisationOptionsSchema } from '../../packages/core/src/prepare/fit_normalisation.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { blockGenerator } from '../core/training/matcher/block_generator.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runCommand } from './run_command.ts';

const given = vi.hoisted(() => ({ generator: undefined as unknown }));
vi.mock('../../packages/cli/src/open_generator.ts', () => ({ openGeneratorFile: async () => given.generator }));

const store = new FileStore();
let folder: string;
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'doppel-quality-'));
  await writeSyntheticDataset(store, at('data'));
  const dataset = await openDataset(store, at('data'));
  const normalisation = await fitNormalisation(
    dataset,
    dataset.indicesOf('train'),
    normalisationOptionsSchema.parse({}),
  );
  given.generator = blockGenerator(normalisation, dataset.fingerprint);
  const matcher = createMatcher({ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, seed: 1 });
  await saveCheckpoint(store, at('matcher.safetensors'), {
    matcher: matcher.config,
    tensors: await valuesOf(new Map([...matcher.parameters, ...matcher.statistics])),
    ...{ normalisation, metrics: {}, calibration: { temperature: 1, threshold: 0.5 } },
    trainedOn: { folder: at('data'), dataFingerprint: dataset.fingerprint },
    inputs: { from: null, negatives: null },
    ...{ backend: 'wasm', training: {} },
  });
  matcher.dispose();
});
afterAll(() => rm(folder, { recursive: true }));

const run = (out: string, ...args: string[]) =>
  runCommand(evaluate, [
    ...['--generator', at('run', 'checkpoints', 'last.safetensors'), '--data', at('data'), '--backend', 'wasm'],
    ...['--judge-steps', '0', ...(out ? ['--out', at(out)] : [])],
    ...args,
  ]);

test('writes figures, pictures, a report and a quiz with its key', async () => {
  const flags = ['--model', at('matcher.safetensors'), '--quiz', at('quiz'), '--json'];
  const { stdout, log } = await run('', ...flags);
  const json = JSON.parse(stdout);
  const out = at('run', 'quality-validation');
  expect(json.report).toBe(join(out, 'report.html'));
  const files = ['metrics.json', 'nearest.png', 'reconstructions.png', 'report.html', 'samples.png'];
  expect(await readdir(out)).toEqual(files);
  const { report: _, quiz: __, ...printed } = json;
  expect(JSON.parse(await readFile(join(out, 'metrics.json'), 'utf8'))).toEqual(printed);
  expect(json).toMatchObject({ count: 3, split: 'validation', backend: 'wasm', places: { a: ['place-4'] } });
  expect(json.slicedWasserstein.levels.map(({ side }: { side: number }) => side)).toEqual([64, 32, 16]);
  expect(json.kernelDistance.features).toBe(128);
  expect(json.looks).toBeNull();
  expect(json.notMeasured).toEqual([{ figure: 'looks', reason: expect.stringContaining('digital number') }]);
  expect(log.join('\n')).toContain('warning: Sets of 3 patches each instead of 1000');

  expect(await readdir(at('quiz'))).toEqual(['key.json', 'quiz.html']);
  const { answers } = JSON.parse(await readFile(at('quiz', 'key.json'), 'utf8'));
  expect(answers).toHaveLength(6);
  expect((await readFile(at('quiz', 'quiz.html'), 'utf8')).includes('pair-')).toBe(false);
});

test('the same seed gives the same figures; the text shows them beside the real ones', async () => {
  const figures = async (out: string) => {
    const { date: _, report: __, ...rest } = JSON.parse((await run(out, '--count', '2', '--json')).stdout);
    return rest;
  };
  expect(await figures('a')).toEqual(await figures('b'));
  const { stdout } = await run('c', '--count', '2');
  expect(stdout).toMatch(/sliced Wasserstein, held out +[\d.]+ +[\d.]+ +[\d.]+/);
  expect(stdout).toContain('not measured: kernelDistance. No matcher was given.');
});

test('an interruption writes nothing and ends with 130', async () => {
  const flags = ['--generator', 'g', '--data', at('data'), '--backend', 'wasm', '--out', at('none'), '--json'];
  const { stdout, exitCode } = await runCommand(evaluate, flags, AbortSignal.abort());
  expect(JSON.parse(stdout)).toEqual({ interrupted: true });
  expect(exitCode).toBe(130);
  expect(await readdir(at('none'))).toEqual([]);
});

test('what cannot be meant is refused', async () => {
  await expect(run('d', '--count', '1')).rejects.toThrow(/--count/);
  await expect(run('d', '--quiz', `${at('d')}/`)).rejects.toThrow(UsageError);
  await expect(run('d', '--split', 'train')).rejects.toThrow();
  const { generator } = given;
  const { info } = generator as { info: { trainedOn: object } };
  const places = { train: ['place-4'], validation: [] };
  given.generator = { ...(generator as object), info: { ...info, trainedOn: { ...info.trainedOn, places } } };
  await expect(run('d')).rejects.toThrow(SplitError);
  given.generator = generator;
});
