/** Kinds of batches that make something of all results at the end: a gallery of scenes, hard negatives of scores. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { sha256 } from '../../packages/core/src/base/sha256.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { denseCheckpoint, noisePatch, tinyCheckpoint } from '../server/tiny_model.mjs';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runDoppel } from './run_command.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const doppel = (...words: string[]) => runDoppel(['batch', ...words]);
const run = (out: string, ...flags: string[]) => doppel('run', at(out), '--backend', 'wasm', ...flags);
const merge = (out: string, ...flags: string[]) => doppel('merge', at(out), '--backend', 'wasm', ...flags);
const read = (...names: string[]) => readFileSync(at(...names), 'utf8');

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  folder = mkdtempSync(join(tmpdir(), 'doppel-kinds-'));
  writeFileSync(at('dense.safetensors'), denseCheckpoint());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a batch of scenes', () => {
  const plan = (manifest: string, out: string, ...flags: string[]) =>
    doppel('plan', 'embed', at(manifest), '--out', at(out), '--model', at('dense.safetensors'), ...flags);

  beforeAll(() => {
    for (const i of [1, 2]) writeFileSync(at(`${i}.png`), noisePatch(i, 104).png);
    writeFileSync(at('scenes.csv'), 'scene\n1.png\ngone.png\n2.png\n');
  });

  it('becomes a gallery of those that could be read', async () => {
    expect((await plan('scenes.csv', 'gallery')).stdout).toContain('3 items planned');
    expect((await run('gallery', '--shard', '1/2')).exitCode).toBe(0);
    expect((await run('gallery', '--results', at('elsewhere'))).stdout).toContain('1 failed for good');
    const merged = await merge('gallery', '--results', at('elsewhere'), '--out', at('merged'), '--stac');
    expect([merged.exitCode, merged.stdout]).toEqual([42, expect.stringContaining('2 scenes with 72 tiles')]);
    expect(JSON.parse(read('merged', 'gallery.json'))).toMatchObject({
      ...{ modality: 'optical', model: { name: at('dense.safetensors') } },
      scenes: [{ file: '../1.png' }, { file: '../2.png' }],
    });
    expect(read('merged', 'scenes.jsonl')).toMatch(
      /"id":"gone.png","file":"gone.png","error":"Cannot read .*found nothing/,
    );
    expect(Object.keys(JSON.parse(read('merged', 'item.json')).assets)).toEqual(['scenes.jsonl', 'gallery.json']);
    const search = ['gallery', 'search', at('merged'), '--sar', at('1.png'), '--crop', 'centre', '--backend', 'wasm'];
    expect((await runDoppel(search)).stdout).toContain('of 72 tiles');
  });

  it('comes of STAC items, or of a folder of images', async () => {
    const feature = { type: 'Feature', id: 'x', properties: {}, assets: { visual: { href: './1.png' } } };
    writeFileSync(at('item.json'), JSON.stringify(feature));
    await expect(plan('item.json', 'none')).rejects.toThrow('Name another by --asset');
    expect((await plan('item.json', 'one', '--asset', 'visual')).stdout).toContain('1 items planned');
    expect((await plan('.', 'all')).stdout).toContain('2 items planned');
    expect((await plan('*.png', 'pattern')).stdout).toContain('2 items planned');
    for (const out of ['one', 'all', 'pattern']) expect(JSON.parse(read(out, 'plan.json')).root).toBe(folder);
    writeFileSync(at('bad.csv'), 'file\n1.png\n');
    await expect(plan('bad.csv', 'none')).rejects.toThrow('a header with the column scene');
  });

  it('is refused with a model that is not searched with, when planned and before it is run', async () => {
    writeFileSync(at('plain.safetensors'), tinyCheckpoint());
    const words = ['plan', 'embed', at('scenes.csv'), '--out', at('plain'), '--model'];
    await expect(doppel(...words, at('plain.safetensors'))).rejects.toThrow('a matcher of the architecture dense');
    await doppel(...words, at('dense.safetensors'));
    const header = JSON.parse(read('plain', 'plan.json'));
    const [model, tools] = [at('plain.safetensors'), { model: await sha256(readFileSync(at('plain.safetensors'))) }];
    const older = { ...header, settings: { ...header.settings, model }, tools };
    writeFileSync(at('plain', 'plan.json'), JSON.stringify(older));
    await expect(run('plain')).rejects.toThrow('a matcher of the architecture dense');
  });
});

describe('a batch of scores for mining', () => {
  const model = () => ['--model', at('dense.safetensors')];
  const plan = (out: string, ...flags: string[]) =>
    doppel('plan', 'mine', at('data', 'pairs.jsonl'), '--out', at(out), ...model(), ...flags);

  beforeAll(() => writeSyntheticDataset(new FileStore(), at('data')));

  it('gives the negatives of `doppel mine`', async () => {
    expect((await plan('mining', '--k', '2', '--max-score', '0.9')).stdout).toContain('1 items planned');
    const early = await merge('mining', '--partial');
    expect([early.exitCode, early.stdout]).toEqual([75, expect.stringContaining('as 1 blocks have no scores')]);
    expect(existsSync(at('mining', 'negatives.jsonl'))).toBe(false);
    expect((await run('mining')).exitCode).toBe(0);
    const { stdout } = await merge('mining');
    expect(stdout).toMatch(/negatives for 12 anchors by the strategy loss \(train\)/);
    expect(stdout).toContain('scored 0 pairs');
    const words = ['mine', 'loss', '--data', at('data'), ...model(), '--out', at('own.jsonl'), '--backend', 'wasm'];
    await runDoppel([...words, '--k', '2', '--max-score', '0.9']);
    expect(read('mining', 'negatives.jsonl')).toBe(read('own.jsonl'));
  });

  it('refuses what has no scores, and settings that a strategy has not', async () => {
    await expect(plan('none', '--strategy', 'random')).rejects.toThrow('Mine at once by `doppel mine random`');
    const foreign = plan('none', '--strategy', 'random', '--max-score', '0.9', '--rank-min', '5');
    await expect(foreign).rejects.toThrow(/mine by the strategy random.*found --rank-min/);
    await expect(plan('none', '--min-score', '-0.5')).rejects.toThrow('--min-score');
    expect((await plan('cosine', '--strategy', 'nearest', '--min-score', '-0.5')).stdout).toContain('1 items');
  });
});
