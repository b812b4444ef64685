import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import evaluate from '../../packages/cli/src/commands/evaluate.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { Rng } from '../../packages/core/src/base/random.ts';
import { openDataset, type PairRecord, writeSplits } from '../../packages/core/src/dataset/dataset.ts';
import { SplitError, UsageError } from '../../packages/core/src/errors.ts';
import { type Checkpoint, saveCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { writePairs } from '../core/dataset/write_pairs.ts';
import { runCommand } from './run_command.ts';

const SIDE = 64;
const PLACES = 6;
const PAIRS_EACH = 4;
const SMALL = { preset: 'dense', width: 8, cells: 4, radius: 4, side: SIDE };
const store = new FileStore();
let folder: string;
let data: string;

/** Noise that the two patches of a pair share. */
function patchOf(pair: number): Uint8Array {
  const rng = Rng.derive(pair, 'patch');
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, () => rng.int(256));
  return encode({ width: SIDE, height: SIDE, data: pixels, channels: 1, depth: 8 });
}

async function makeDataset(to: string): Promise<void> {
  const records = Array.from({ length: PLACES * PAIRS_EACH }, (_, i): PairRecord => {
    const [id, group] = [`pair-${i}`, `place-${Math.floor(i / PAIRS_EACH)}`];
    return { id, group, sar: `${id}.sar.png`, optical: `${id}.optical.png`, label: 1, provenance: 'real' };
  });
  for (const [i, { sar, optical }] of records.entries()) {
    await store.write(join(to, sar), patchOf(i));
    await store.write(join(to, optical), patchOf(i));
  }
  const band = { unit: 'digital number', bands: 1 } as const;
  const attribution = 'Made by a test';
  await writePairs(
    store,
    to,
    { doppel: 'pairs', version: 1, side: SIDE, sar: band, optical: band, attribution },
    records,
  );
  const splits = {
    train: ['place-0', 'place-1'],
    validation: ['place-2', 'place-3'],
    test: ['place-4', 'place-5'],
    unused: [],
  };
  await writeSplits(store, await openDataset(store, to), { doppel: 'splits', version: 1, seed: 1, splits });
}

/** An untrained matcher, as a checkpoint of a run on the data set. */
async function makeCheckpoint(
  name: string,
  changes: Partial<Checkpoint> = {},
  network: { preset: string; side: number } = SMALL,
): Promise<string> {
  const file = join(folder, 'run', 'checkpoints', name);
  const matcher = createMatcher({ ...network, sarBands: 1, opticalBands: 1, seed: 1 });
  const { fingerprint } = await openDataset(store, data);
  const standardise = { clip: null, standardise: 'patch' } as const;
  await saveCheckpoint(store, file, {
    matcher: matcher.config,
    tensors: await valuesOf(new Map([...matcher.parameters, ...matcher.statistics])),
    normalisation: {
      version: 1,
      side: network.side,
      sar: { source: 'digital number', unit: 'digital number', bands: 1, speckleFilter: null, ...standardise },
      optical: { bands: 'gray', ...standardise },
    },
    calibration: { temperature: 1, threshold: 0.5 },
    metrics: {},
    trainedOn: {
      folder: data,
      dataFingerprint: fingerprint,
      places: { train: ['place-0', 'place-1'], validation: ['place-2', 'place-3'] },
    },
    inputs: { from: null, negatives: null },
    backend: 'wasm',
    training: {},
    ...changes,
  });
  matcher.dispose();
  return file;
}

/** Runs the command with its flags, by name; what it prints on stdout, parsed. */
async function run(flags: Record<string, string>, signal?: AbortSignal) {
  const given = { data, split: 'test', backend: 'wasm', ...flags };
  const words = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);
  const { stdout, log, exitCode } = await runCommand(evaluate, [...words, '--json'], signal);
  expect(stdout.match(/\n/g)).toHaveLength(1);
  return { json: JSON.parse(stdout), logged: log, exitCode };
}

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'doppel-evaluate-'));
  data = join(folder, 'data');
  await makeDataset(data);
});
afterEach(() => {
  process.exitCode = 0;
});
afterAll(() => rm(folder, { recursive: true }));

test('measures the test split and writes the report into the run', async () => {
  const model = await makeCheckpoint('best.safetensors');
  const { json } = await run({ model, resamples: '50' });
  expect(json).toMatchObject({ pairs: 16, places: 2, backend: 'wasm', split: 'test', threshold: 0.5, warnings: [] });
  for (const name of ['accuracy', 'recall', 'fpr', 'auc', 'averagePrecision', 'fpr95', 'ece']) {
    expect(json[name], name).toBeGreaterThanOrEqual(0);
    expect(json[name], name).toBeLessThanOrEqual(1);
    expect(json.intervals[name], name).toHaveLength(2);
  }
  const out = join(folder, 'run', 'evaluation-test');
  expect(json.report).toBe(join(out, 'report.html'));
  expect((await readdir(out)).sort()).toEqual(['metrics.json', 'plots', 'report.html', 'scores.csv']);
  const report = await readFile(json.report, 'utf8');
  expect(report).toContain('Made by a test');
  const { report: _, ...printed } = json;
  expect(JSON.parse(await readFile(join(out, 'metrics.json'), 'utf8'))).toEqual(printed);
  const csv = (await readFile(join(out, 'scores.csv'), 'utf8')).trim().split('\n');
  expect(csv).toHaveLength(17);
  expect(csv.slice(1).every((line) => /,place-[45],/.test(line))).toBe(true);
});

test('gives the same pairs and metrics for the same seed', async () => {
  const model = await makeCheckpoint('best.safetensors');
  const metrics = async (flags: Record<string, string> = {}) => {
    const { json } = await run({ model, out: join(folder, 'again'), resamples: '20', ...flags });
    const { date: _, ...rest } = json;
    return rest;
  };
  const first = await metrics();
  expect(await metrics()).toEqual(first);
  expect((await metrics({ seed: '2', negatives: '2' })).pairs).toBe(24);
});

test('a checkpoint without calibration is calibrated on validation, and says so', async () => {
  const model = await makeCheckpoint('plain.safetensors', { calibration: undefined });
  const { json, logged } = await run({ model, out: join(folder, 'plain'), anchors: '0' });
  expect(logged.join('\n')).toContain('fitted on the validation split first');
  expect(json.calibrationSource).toContain('fitted on the validation split of this data set');
  expect(json.recallAt1).toBeNull();
});

test('refuses places that the checkpoint was trained on, before any work', async () => {
  const { fingerprint } = await openDataset(store, data);
  const trainedOn = { folder: data, dataFingerprint: fingerprint, places: { train: ['place-4'], validation: [] } };
  const model = await makeCheckpoint('leaky.safetensors', { trainedOn });
  const out = join(folder, 'leaky');
  await expect(run({ model, out })).rejects.toThrow(SplitError);
  expect(await store.stat(out)).toBeUndefined();
});

test('warns where the checkpoint is of another data set', async () => {
  const model = await makeCheckpoint('other.safetensors', { trainedOn: { folder: 'x', dataFingerprint: 'other' } });
  const { json, logged } = await run({ model, out: join(folder, 'other'), anchors: '0' });
  expect(json.warnings).toEqual([expect.stringContaining('another data set')]);
  expect(logged.join('\n')).toContain('warning: The checkpoint was trained on another data set');
});

test('refuses patches of another side, and flags out of range', async () => {
  const model = await makeCheckpoint('large.safetensors', {}, { preset: 'paper-bn', side: 72 });
  await expect(run({ model })).rejects.toThrow(UsageError);
  await expect(run({ model })).rejects.toThrow(/side 72.*side 64/);
  await expect(run({ model, negatives: '0' })).rejects.toThrow(/--negatives/);
});

test('an interruption writes nothing and ends with 130', async () => {
  const model = await makeCheckpoint('best.safetensors');
  const out = join(folder, 'interrupted');
  const { json, exitCode } = await run({ model, out }, AbortSignal.abort());
  expect(json).toEqual({ interrupted: true });
  expect(exitCode).toBe(130);
  expect(await readdir(out)).toEqual([]);
});
