/** `doppel score`: one pair, manifests, images of other sizes, and rows with errors. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import score from '../../packages/cli/src/commands/score.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { writeCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../packages/core/src/matcher/matcher.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { valuesOf } from '../../packages/core/src/runs/values.ts';
import { readText } from '../../packages/core/src/store.ts';
import { patch, syntheticNormalisation } from '../core/training/matcher/synthetic.ts';
import { png } from './dataset_on_disk.ts';
import { runCommand } from './run_command.ts';

const store = new FileStore();
let scratch: string;
const at = (...names: string[]) => join(scratch, ...names);

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  scratch = mkdtempSync(join(tmpdir(), 'doppel-score-'));
  const matcher = createMatcher({ preset: 'paper-bn', side: 64, sarBands: 1, opticalBands: 1, seed: 5 });
  const checkpoint = {
    ...{ matcher: matcher.config, normalisation: await syntheticNormalisation(), metrics: {}, backend: 'wasm' },
    tensors: await valuesOf(new Map<string, tf.Tensor>([...matcher.parameters, ...matcher.statistics])),
    calibration: { temperature: 2, threshold: 0.4 },
    trainedOn: { folder: 'data', dataFingerprint: 'abc' },
    ...{ inputs: { from: null, negatives: null }, training: {} },
  };
  matcher.dispose();
  writeFileSync(at('model.safetensors'), writeCheckpoint(checkpoint));
  mkdirSync(at('images'));
  for (const index of [0, 1, 2]) {
    writeFileSync(at(`images/${index}.sar.png`), png(patch(64, index, 'sar')));
    writeFileSync(at(`images/${index}.optical.png`), png(patch(64, index, 'optical')));
  }
  writeFileSync(at('images/large.png'), png(patch(72, 0, 'optical')));
  writeFileSync(at('images/small.png'), png(patch(40, 0, 'optical')));
  writeFileSync(at('images/broken.png'), png(patch(64, 0, 'sar')).slice(0, 200));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const doppelScore = (...args: string[]) =>
  runCommand(score, ['--model', at('model.safetensors'), '--backend', 'wasm', ...args]);
const pair = (sar: string, optical: string) => ['--sar', at('images', sar), '--optical', at('images', optical)];

describe('one pair', () => {
  it('is one JSON object', async () => {
    const { stdout, exitCode } = await doppelScore(...pair('0.sar.png', '0.optical.png'), '--json');
    const result = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(Object.keys(result).slice(0, 6)).toEqual(['score', 'probability', 'match', 'threshold', 'backend', 'model']);
    expect(result).toMatchObject({ threshold: 0.4, backend: 'wasm', model: at('model.safetensors') });
    expect(result.probability).toBeCloseTo(1 / (1 + Math.exp(-result.score / 2)), 10);
    expect(result.match).toBe(result.probability >= 0.4);
  });

  it('is one line for people', async () => {
    const { stdout } = await doppelScore(...pair('0.sar.png', '0.optical.png'));
    expect(stdout).toMatch(/^(no )?match: probability 0\.\d{3}, threshold 0\.400\n$/);
  });

  it('is refused when an image is larger, unless it may be cropped', async () => {
    await expect(doppelScore(...pair('0.sar.png', 'large.png'))).rejects.toMatchObject({
      tag: 'patch',
      message: expect.stringMatching(/large\.png.*64 × 64.*72 × 72.*--crop centre/),
    });
    const { exitCode } = await doppelScore(...pair('0.sar.png', 'large.png'), '--crop', 'centre');
    expect(exitCode).toBe(0);
    await expect(doppelScore(...pair('0.sar.png', 'small.png'), '--crop', 'centre')).rejects.toThrow(
      /small\.png.*40 × 40/,
    );
  });

  it.each([
    [['--sar', 'a.png'], /one of the two images/],
    [[], /neither/],
    [['--manifest', 'm.jsonl', '--sar', 'a.png'], /both/],
    [['--sar', 'a', '--optical', 'b', '--out', 'c'], /--out/],
  ])('needs both images, or a manifest: %j', async (args, message) => {
    await expect(doppelScore(...args)).rejects.toMatchObject({ tag: 'usage', message: expect.stringMatching(message) });
  });
});

describe('a manifest', () => {
  const lines = [
    { id: 'first', sar: '0.sar.png', optical: '0.optical.png' },
    { sar: '1.sar.png', optical: 'small.png' },
    { sar: 'broken.png', optical: '1.optical.png' },
    { sar: 'nowhere.png', optical: '1.optical.png' },
    { sar: '2.sar.png', optical: '2.optical.png' },
  ];
  const write = (name: string, text: string) => {
    writeFileSync(at('images', name), text);
    return at('images', name);
  };
  const jsonl = (rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

  it('gives a row for each pair, with errors for those that cannot be scored, and exit code 1', async () => {
    const manifest = write('m.jsonl', jsonl(lines));
    const { stdout, exitCode } = await doppelScore('--manifest', manifest);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(exitCode).toBe(1);
    expect(rows.map(({ error }) => error === undefined)).toEqual([true, false, false, false, true]);
    expect(rows[0]).toMatchObject({ id: 'first', sar: '0.sar.png', probability: expect.any(Number) });
    expect(rows[1].error).toMatch(/small\.png/);
    expect(rows[2].error).toMatch(/broken\.png/);
    expect(rows[3].error).toMatch(/nowhere\.png/);
    const alone = JSON.parse((await doppelScore(...pair('2.sar.png', '2.optical.png'), '--json')).stdout);
    expect(rows[4].score).toBeCloseTo(alone.score, 4);
  });

  it('collects them under `results` with --json', async () => {
    const manifest = write('good.jsonl', jsonl([lines[0]!, lines[4]!]));
    const { stdout, exitCode } = await doppelScore('--manifest', manifest, '--json');
    const { results, backend, model } = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(results).toHaveLength(2);
    expect(results[1]).toMatchObject({ sar: '2.sar.png', score: expect.any(Number), match: expect.any(Boolean) });
    expect({ backend, model }).toEqual({ backend: 'wasm', model: at('model.safetensors') });
  });

  it('reads and writes CSV', async () => {
    const manifest = write('m.csv', 'sar,optical\n0.sar.png,0.optical.png\n1.sar.png,small.png\n');
    const { exitCode, stdout } = await doppelScore('--manifest', manifest, '--out', at('scores.csv'));
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/2 pairs scored into .*scores\.csv, of which 1 could not be/);
    const [head, first, second] = (await readText(store, at('scores.csv'))).split('\n');
    expect(head).toBe('id,sar,optical,score,probability,match,threshold,error');
    expect(first).toMatch(/^,0\.sar\.png,0\.optical\.png,-?\d/);
    expect(second).toMatch(/^,1\.sar\.png,small\.png,,,,,.*small\.png/);
    expect((await store.list(scratch)).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it.each([
    ['a broken line', '{"sar":"0.sar.png","optical":"0.optical.png"}\nnonsense\n', /m2\.jsonl, line 2/],
    [
      'a path out of its folder',
      '{"sar":"../model.safetensors","optical":"0.optical.png"}\n',
      /m2\.jsonl, line 1.*inside/,
    ],
    ['nothing in it', '\n', /at least one pair/],
  ])('with %s is refused before anything is printed', async (_, text, message) => {
    const manifest = write('m2.jsonl', text);
    await expect(doppelScore('--manifest', manifest, '--out', at('never.jsonl'))).rejects.toThrow(message);
    expect(await store.stat(at('never.jsonl'))).toBeUndefined();
  });
});

it('a model that is none is named', async () => {
  const args = ['--model', at('images/0.sar.png'), ...pair('0.sar.png', '0.optical.png'), '--backend', 'wasm'];
  await expect(runCommand(score, args)).rejects.toMatchObject({
    tag: 'checkpoint',
    message: expect.stringMatching(/0\.sar\.png/),
  });
});
