/** `doppel train` on a tiny synthetic data set in a real folder. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import train from '../../packages/cli/src/commands/train.ts';
import { readYaml } from '../../packages/cli/src/yaml_file.ts';
import { sha256 } from '../../packages/core/src/base/sha256.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runCommand } from './run_command.ts';

const store = new FileStore();
let scratch: string;
const at = (...names: string[]) => join(scratch, ...names);

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'doppel-train-'));
  await writeSyntheticDataset(store, at('data'));
  writeFileSync(
    at('small.yaml'),
    'epochs: 9\nstepsPerEpoch: 1\nbatch: {positives: 1, negatives: 1}\nvalidation: {positives: 2}\n',
  );
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const doppelTrain = (...args: string[]) => runCommand(train, [...args, '--backend', 'wasm']);
const small = (epochs: number, ...args: string[]) =>
  doppelTrain(at('data'), '--config', at('small.yaml'), '--epochs', `${epochs}`, ...args);
const fingerprint = async (...names: string[]) => sha256(await store.read(at(...names)));

describe('a fresh run', () => {
  it('leaves a run folder and prints one JSON object', async () => {
    const { stdout, exitCode } = await small(2, '--out', at('a'), '--seed', '7', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ run: at('a'), checkpoint: at('a/checkpoints/best.safetensors'), epochs: 2, backend: 'wasm' },
      ...{ interrupted: false, warnings: [] },
      metrics: {
        epoch: expect.toBeOneOf([1, 2]),
        validationAuc: expect.any(Number),
        validationLoss: expect.any(Number),
      },
    });
    const config = await readYaml(store, at('a/config.yaml'));
    // The flag over the file over the preset.
    expect(config).toMatchObject({ epochs: 2, seed: 7, stepsPerEpoch: 1, preset: 'paper-bn', l2: 1e-5, side: 64 });
    expect(await store.list(at('a'))).toEqual(['checkpoints', 'config.yaml', 'log.txt', 'metrics.csv', 'plots']);
    expect(await store.list(at('a/plots'))).toEqual(
      ['auc', 'learning-rate', 'loss'].flatMap((name) => [`${name}.png`, `${name}.svg`]),
    );
    expect([...(await store.read(at('a/plots/loss.png'))).slice(1, 4)]).toEqual([...Buffer.from('PNG')]);
  });

  it('is repeated by its own config.yaml', async () => {
    await doppelTrain('--config', at('a/config.yaml'), '--out', at('again'));
    expect(await fingerprint('again/checkpoints/last.safetensors')).toBe(
      await fingerprint('a/checkpoints/last.safetensors'),
    );
  });

  it('does not write over an older run', async () => {
    await expect(small(2, '--out', at('a'))).rejects.toMatchObject({
      tag: 'usage',
      message: expect.stringMatching(/checkpoints of an earlier one.*--resume/),
    });
  });

  it('trains on from a checkpoint, with its preset', async () => {
    const { stdout } = await small(1, '--from', at('a/checkpoints/best.safetensors'), '--out', at('tuned'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ epochs: 1 });
    expect(await readYaml(store, at('tuned/config.yaml'))).toMatchObject({
      from: at('a/checkpoints/best.safetensors'),
    });
  });
});

describe('a run that was stopped', () => {
  it('says how to go on, and goes on', async () => {
    const controller = new AbortController();
    // Of two epochs of a step each.
    const onLog = (line: string) => line.includes('epoch 1, step 1:') && controller.abort();
    const args = ['--config', at('a/config.yaml'), '--out', at('b'), '--backend', 'wasm'];
    const stopped = await runCommand(train, args, controller.signal, undefined, onLog);
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stdout).toContain(`doppel train --resume ${at('b')}`);
    const { stdout, log } = await doppelTrain('--resume', at('b'), '--json');
    expect(log.join('\n')).toContain('resumed at step 1, epoch 2');
    expect(JSON.parse(stdout)).toMatchObject({ epochs: 2, interrupted: false });
    expect(await fingerprint('b/checkpoints/last.safetensors')).toBe(
      await fingerprint('a/checkpoints/last.safetensors'),
    );
  });

  it('has its settings: others are refused', async () => {
    await expect(doppelTrain('--resume', at('b'), '--seed', '3')).rejects.toMatchObject({
      tag: 'usage',
      message: expect.stringMatching(/--seed/),
    });
  });

  it('must be there', async () => {
    await expect(doppelTrain('--resume', at('nowhere'))).rejects.toMatchObject({ tag: 'file' });
  });
});

describe('bad input', () => {
  it.each([
    [[], 'usage', /the folder of a data set/],
    [['nowhere'], 'file', /nowhere/],
    [['DATA', '--epochs', '0'], 'usage', /--epochs/],
    [['DATA', '--preset', 'resnet'], undefined, /preset/i],
    [['DATA', '--learnig-rate', '1'], 'usage', /--learnig-rate/],
    [['DATA', '--config', 'UNKNOWN'], 'usage', /unknown\.yaml.*unknown "optimiser\.momentum"/],
    [['DATA', '--config', 'BROKEN'], 'format', /broken\.yaml/],
    [['DATA', '--from', 'BROKEN'], 'checkpoint', /broken\.yaml/],
    [['DATA', '--negatives', 'nowhere.jsonl'], 'file', /nowhere\.jsonl/],
    [['DATA', '--config', 'SIDE'], 'usage', /side 128.*patches of side 64/],
    [['DATA', '--config', 'ADAPTIVE'], 'file', /nowhere\.safetensors/],
  ])('%j', async (args, tag, message) => {
    writeFileSync(at('unknown.yaml'), 'optimiser: {momentum: 0.9}\n');
    writeFileSync(at('broken.yaml'), 'epochs: [1\n');
    writeFileSync(at('side.yaml'), 'preset: two-channel\nside: 128\n');
    writeFileSync(at('adaptive.yaml'), 'negatives: {adaptive: {strengths: [1], generator: nowhere.safetensors}}\n');
    const named = (arg: string) =>
      /^[A-Z]+$/.test(arg) ? at(arg === 'DATA' ? 'data' : `${arg.toLowerCase()}.yaml`) : arg;
    const run = doppelTrain(...args.map(named), '--out', at('bad'));
    await expect(run).rejects.toThrow(message);
    if (tag) await expect(run).rejects.toMatchObject({ tag });
    expect(await store.stat(at('bad'))).toBeUndefined();
  });
});
