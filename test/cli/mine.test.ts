import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { openDataset } from '../../packages/core/src/dataset/dataset.ts';
import { SplitError, StaleCacheError, UsageError } from '../../packages/core/src/errors.ts';
import { saveCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { readNegatives } from '../../packages/core/src/mining/negatives_file.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { syntheticNormalisation } from '../core/training/matcher/synthetic.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runDoppel } from './run_command.ts';

const store = new FileStore();
let folder: string;
const at = (...path: string[]) => join(folder, ...path);

/** An untrained matcher as a checkpoint. */
async function makeCheckpoint(name: string, network: { preset: string }, seed: number): Promise<void> {
  const matcher = createMatcher({ ...network, side: 64, sarBands: 1, opticalBands: 1, seed });
  await saveCheckpoint(store, at(name), {
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
}

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'doppel-mine-'));
  await writeSyntheticDataset(store, at('data'));
  const small = { preset: 'dense', width: 8, cells: 4, radius: 4 };
  await makeCheckpoint('a.safetensors', small, 1);
  await makeCheckpoint('b.safetensors', small, 2);
  await makeCheckpoint('whole.safetensors', { preset: 'two-channel' }, 1);
});
afterAll(() => rm(folder, { recursive: true }));

/** Twelve anchors of four places; without footprints the three pairs of a place guard each other. */
const doppelMine = (out: string, ...args: string[]) =>
  runDoppel([
    'mine',
    ...(args.includes('--model') ? [] : ['--model', at('a.safetensors')]),
    '--data',
    at('data'),
    '--backend',
    'wasm',
    '--out',
    at(out),
    ...args,
  ]);

describe('doppel mine', () => {
  test('writes negatives that training can read, a report and a sheet', async () => {
    const { stdout, exitCode } = await doppelMine(
      'one/hard.jsonl',
      '--strategy',
      'loss',
      '--k',
      '2',
      '--sheet',
      '--json',
    );
    const json = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({ negatives: 24, shortages: 0, backend: 'wasm', file: at('one/hard.jsonl') });
    expect(json.skipped.guard).toBe(12 * 3);
    expect(json.quantiles.candidates.count).toBe(12 * 9);
    expect((await readdir(at('one'))).sort()).toEqual(['hard.jsonl', 'hard.png', 'hard.report.json', 'hard.scores']);

    const dataset = await openDataset(store, at('data'));
    const { mined: negatives } = await readNegatives(store, at('one/hard.jsonl'), dataset);
    expect(negatives).toHaveLength(24);
    const placeOf = (record: number) => dataset.records[record]!.group;
    expect(negatives.every(({ sar, optical }) => placeOf(sar) !== placeOf(optical))).toBe(true);
    const report = JSON.parse(await readFile(at('one/hard.report.json'), 'utf8'));
    expect(report).toMatchObject({ negatives: 24, short: [], settings: { strategy: 'loss', k: 2, maxUses: 10 } });
    expect(decode(await readFile(at('one/hard.png'))).channels).toBe(3);
  });

  test('says in words how scores are spread and what was skipped', async () => {
    const { stdout } = await doppelMine('words.jsonl', '--strategy', 'nearest', '--rank-max', '4');
    expect(stdout).toMatch(/negatives for 12 anchors by the strategy nearest \(train\)/);
    expect(stdout).toMatch(/cosine +min +q05/);
    expect(stdout).toMatch(/skipped by guard: 36 candidates \(25.0 %\)/);
    expect(stdout).toMatch(/report: .*words.report.json/);
  });

  test('uses its scores again under other rules, and refuses those of another model', async () => {
    await doppelMine('again.jsonl', '--strategy', 'loss');
    const { stdout } = await doppelMine('again.jsonl', '--strategy', 'loss', '--relative-margin', '0.1', '--json');
    expect(JSON.parse(stdout).cost).toMatchObject({ pairsScored: 0, pairsCached: 12 * 12 + 12 });
    const other = ['--strategy', 'loss', '--model', at('b.safetensors')];
    await expect(doppelMine('again.jsonl', ...other)).rejects.toThrow(StaleCacheError);
    await expect(doppelMine('again.jsonl', ...other)).rejects.toThrow(/again.scores: expected model .*--refresh-cache/);
    await expect(doppelMine('again.jsonl', ...other, '--refresh-cache')).resolves.toMatchObject({ exitCode: 0 });
  });

  test('keeps what is tested out of training', async () => {
    await expect(doppelMine('test.jsonl', '--strategy', 'loss', '--split', 'test')).rejects.toThrow(UsageError);
    await doppelMine('test.jsonl', '--strategy', 'loss', '--split', 'test', '--analysis');
    const dataset = await openDataset(store, at('data'));
    await expect(readNegatives(store, at('test.jsonl'), dataset)).rejects.toThrow(SplitError);
    const { mined } = await readNegatives(store, at('test.jsonl'), dataset, { split: 'test' });
    expect(mined).toHaveLength(6);
  });

  test('is interrupted by Ctrl-C, with what was there before as it was', async () => {
    await writeFile(at('before.jsonl'), 'before');
    const controller = new AbortController();
    controller.abort();
    const args = ['mine', 'loss', '--model', at('a.safetensors'), '--data', at('data'), '--out', at('before.jsonl')];
    const { stdout, exitCode } = await runDoppel(args, controller.signal);
    expect(exitCode).toBe(130);
    expect(stdout).toMatch(/interrupted; the same command goes on .*before.scores/);
    expect(await readFile(at('before.jsonl'), 'utf8')).toBe('before');
  });

  test.each([
    [['--strategy', 'loss', '--max-score', '2'], /--max-score.*at most 1.*"2"/],
    [['--strategy', 'loss', '--rank-min', '4', '--rank-max', '4'], /--rank-max: leaves 0 ranks from 4 on, for k = 1/],
    [['--strategy', 'loss', '--k', 'many'], /--k.*"many"/],
    [['--strategy', 'nearest', '--model', 'MODEL'], /both patches at once.*the strategy loss/],
    [['--strategy', 'loss', '--max-candidates', '1'], /--max-candidates.*at least 2/],
  ])('refuses what cannot be meant: %o', async (args, message) => {
    const given = args.map((arg) => (arg === 'MODEL' ? at('whole.safetensors') : arg));
    await expect(doppelMine('refused.jsonl', ...given)).rejects.toThrow(UsageError);
    await expect(doppelMine('refused.jsonl', ...given)).rejects.toThrow(message);
  });

  test('refuses an unknown strategy, with those that there are', async () => {
    const unknown = doppelMine('refused.jsonl', '--strategy', 'hardest');
    await expect(unknown).rejects.toThrow(UsageError);
    await expect(unknown).rejects.toThrow(/random, loss, nearest, generated, adaptive.*"hardest"/);
  });

  test.each([
    ['random', '--rank-min'],
    ['loss', '--generator'],
    ['loss', '--strength'],
    ['generated', '--cache'],
    ['adaptive', '--guard-margin'],
    ['adaptive', '--ascent-steps'],
  ])('%s knows no %s', async (strategy, flag) => {
    await expect(runDoppel(['mine', strategy, flag, '1'])).rejects.toThrow(`found ${flag}`);
  });
});
