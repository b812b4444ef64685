/** An architecture that was added to the list is trained, saved, read, scored with and mined with, by its name alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readYaml } from '../../packages/cli/src/yaml_file.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { loadCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { parameterSpecs } from '../../packages/core/src/matcher/network_layers.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { planted } from '../core/matcher/planted_architecture.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';

const store = new FileStore();
let scratch: string;
let doppel: (...words: string[]) => Promise<Record<string, unknown>>;
const at = (name: string) => join(scratch, name);
const MODEL = 'run/checkpoints/best.safetensors';

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'doppel-planted-'));
  ARCHITECTURES.add(planted);
  const { runDoppel } = await import('./run_command.ts');
  doppel = async (...words) => JSON.parse((await runDoppel([...words, '--backend', 'wasm', '--json'])).stdout);
  await writeSyntheticDataset(store, at('data'));
  writeFileSync(
    at('small.yaml'),
    'epochs: 2\nstepsPerEpoch: 4\nbatch: {positives: 4, negatives: 4}\nvalidation: {positives: 4}\nmatcher: {width: 6}\n',
  );
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it('is refused twice', () => {
  expect(() => ARCHITECTURES.add(planted)).toThrow(/Cannot register the architecture planted/);
});

it('is trained by its recipe, and saved', async () => {
  const result = await doppel(
    'train',
    at('data'),
    '--preset',
    'planted',
    '--config',
    at('small.yaml'),
    '--out',
    at('run'),
  );
  expect(result).toMatchObject({ epochs: 2, checkpoint: at(MODEL) });
  expect(await readYaml(store, at('run/config.yaml'))).toMatchObject({
    ...{ preset: 'planted', matcher: { width: 6 }, l2: 0, side: 64 },
    ...{ optimiser: { learningRate: 0.02, beta1: 0.9 }, augmentation: { turns: false, flips: true } },
  });
  const checkpoint = await loadCheckpoint(store, at(MODEL));
  const matcher = { preset: 'planted', side: 64, sarBands: 1, opticalBands: 1, width: 6 };
  expect(checkpoint.matcher).toEqual(matcher);
  expect([...checkpoint.tensors.keys()]).toEqual(parameterSpecs(checkpoint.matcher).map(({ name }) => name));
  expect(checkpoint.tensors.get('join.conv1.filter')!.shape).toEqual([1, 1, 12, 4]);
});

it('has its own rules for patches and settings', async () => {
  const words = ['train', at('data'), '--preset', 'planted', '--out', at('other'), '--config'];
  writeFileSync(at('wrong.yaml'), 'matcher: {width: 0, depth: 3}\n');
  await expect(doppel(...words, at('wrong.yaml'))).rejects.toMatchObject({
    tag: 'usage',
    message: expect.stringMatching(/"matcher(\.width)?".*depth|depth.*"matcher/),
  });
  writeFileSync(at('side.yaml'), 'side: 24\n');
  await expect(doppel(...words, at('side.yaml'))).rejects.toThrow(/"side"/);
});

it('scores, evaluates and mines', async () => {
  const data = ['--model', at(MODEL), '--data', at('data')];
  const evaluation = await doppel(
    'evaluate',
    ...data,
    '--anchors',
    '2',
    '--candidates',
    '2',
    '--out',
    at('evaluation'),
  );
  expect(evaluation).toMatchObject({ split: 'test', model: { preset: 'planted', side: 64 } });
  for (const strategy of ['loss', 'nearest']) {
    const mined = await doppel('mine', ...data, '--strategy', strategy, '--out', at(`${strategy}.jsonl`));
    expect(mined).toMatchObject({ file: at(`${strategy}.jsonl`), negatives: expect.any(Number) });
  }
});
