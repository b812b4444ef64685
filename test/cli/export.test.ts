/** `doppel export`: the files that it writes, what it prints, and what it refuses without a trace. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { MODELS } from '../../packages/core/src/named_models.ts';
import { normalisationOf, randomCheckpoint } from '../core/export/exported.ts';
import { runDoppel } from './run_command.ts';

let scratch: string;
const at = (...names: string[]) => join(scratch, ...names);

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
  scratch = mkdtempSync(join(tmpdir(), 'doppel-export-'));
  writeFileSync(at('best.safetensors'), await randomCheckpoint({ width: 8 }, normalisationOf(64)));
  writeFileSync(at('card.md'), '# A card\n');
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const doppelExport = (...args: string[]) => runDoppel(['export', ...args]);

describe('doppel export', () => {
  it('writes the models, and the same for Triton', async () => {
    const { stdout } = await doppelExport(at('best.safetensors'), '--format', 'onnx', '--out', at('a'), '--json');
    const { models, files, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({ format: 'onnx', opset: 17, model: at('best.safetensors'), out: at('a') });
    expect(models.map(({ name }: { name: string }) => name)).toEqual(['pair', 'tower_sar', 'tower_optical']);
    expect(models[0].inputs[0]).toMatchObject({ name: 'sar', axes: ['batch', 1, 64, 64] });
    for (const file of files) expect(existsSync(at('a', file)), file).toBe(true);
    expect(readFileSync(at('a/pair.onnx'))).toEqual(readFileSync(at('a/triton/pair/1/model.onnx')));
    expect(readdirSync(at('a')).sort()).toEqual(['pair.onnx', 'tower_optical.onnx', 'tower_sar.onnx', 'triton']);
  });

  it('says what goes in and comes out', async () => {
    const { stdout } = await doppelExport(at('best.safetensors'), '--out', at('b'), '--card', at('card.md'));
    expect(stdout).toContain('sar [batch, 1, 64, 64], optical [batch, bands, 64, 64] → score [batch, 1], prob');
    expect(stdout).toContain('tower_sar.onnx');
    expect(readFileSync(at('b/pair.onnx'), 'latin1')).toContain('# A card\n');
  });

  it('takes a model by its name, with its card', async () => {
    const address = (file: string) => () => pathToFileURL(at(file));
    const facts = { name: 'planted-for-export', description: 'planted', side: 64, opticalBands: 1 } as const;
    MODELS.add({ ...facts, checkpoint: address('best.safetensors'), card: address('card.md') });
    await doppelExport(facts.name, '--out', at('c'));
    expect(readFileSync(at('c/pair.onnx'), 'latin1')).toContain('# A card\n');
  });

  it.each([
    ['a file that is none', ['nowhere.safetensors'], 'file', /nowhere\.safetensors/],
    ['a checkpoint that is none', ['card.md'], 'checkpoint', /card\.md/],
    ['a card that is none', ['best.safetensors', '--card', 'nowhere.md'], 'file', /nowhere\.md/],
    ['another format', ['best.safetensors', '--format', 'torch'], 'usage', /--format.*onnx.*torch/],
  ])('refuses %s and writes nothing', async (_, words, tag, message) => {
    const args = words.map((word) => (/\.(md|safetensors)$/.test(word) ? at(word) : word));
    await expect(doppelExport(...args, '--out', at('never'))).rejects.toMatchObject({
      ...{ tag, message: expect.stringMatching(message) },
    });
    expect(existsSync(at('never')) ? readdirSync(at('never')) : []).toEqual([]);
  });
});
