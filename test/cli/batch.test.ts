/** `doppel batch`: manifests become plans, plans become one result, and exit codes tell a scheduler what to do. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { noisePatch, tinyCheckpoint } from '../server/tiny_model.mjs';
import { runDoppel } from './run_command.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  folder = mkdtempSync(join(tmpdir(), 'doppel-batch-'));
  writeFileSync(at('model.safetensors'), tinyCheckpoint());
  for (const i of [0, 1, 2]) writeFileSync(at(`${i}.png`), noisePatch(i).png);
  const rows = [
    { id: 'a b', sar: '0.png', optical: '1.png' },
    { id: 'gone', sar: '1.png', optical: 'gone.png' },
    { sar: '2.png', optical: '0.png' },
  ];
  writeFileSync(at('pairs.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const doppel = (...words: string[]) => runDoppel(['batch', ...words]);
const plan = (out: string, ...flags: string[]) =>
  doppel('plan', 'score', at('pairs.jsonl'), '--out', at(out), '--model', at('model.safetensors'), ...flags);
const run = (out: string, ...flags: string[]) => doppel('run', at(out), '--backend', 'wasm', ...flags);
const rowsOf = (...names: string[]) =>
  readFileSync(at(...names), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a batch of scores', () => {
  it('is planned, run in shards, looked at and merged', async () => {
    expect(JSON.parse((await plan('one', '--chunk', '1', '--json')).stdout)).toMatchObject({ items: 3, isNew: true });
    expect((await plan('one', '--chunk', '1')).stdout).toContain('3 items planned');
    const first = await run('one', '--shard', '1/3', '--json');
    expect(first.exitCode).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ shard: '1/3', items: 1, done: 1, failed: 0 });
    const early = await doppel('merge', at('one'));
    expect([early.exitCode, early.stdout]).toEqual([75, expect.stringContaining('nothing was written')]);
    const rest = await run('one');
    expect([rest.exitCode, rest.stdout]).toEqual([42, expect.stringContaining('1 were there, 1 failed for good')]);
    expect(rest.log.join('\n')).toContain('gone: Cannot read');
    const status = await doppel('status', at('one'));
    expect(status.stdout).toMatch(
      /score: 2 of 3 items done, 1 failed\n0 runners at work, .* s an item\n {2}failed: gone/,
    );
    expect((await doppel('merge', at('one'))).exitCode).toBe(42);
    for (const flag of ['--data', '--model', '--backend']) {
      await expect(doppel('merge', at('one'), flag, 'cpu')).rejects.toThrow(`found ${flag}. Leave it out`);
    }
    expect(rowsOf('one', 'scores.jsonl')).toMatchObject([
      { id: 'a b', sar: '0.png', optical: '1.png', score: expect.any(Number) },
      { id: 'gone', sar: '1.png', optical: 'gone.png', error: expect.stringContaining('nothing there') },
      { id: '2', sar: '2.png', optical: '0.png', probability: expect.any(Number) },
    ]);
    expect(readFileSync(at('one', 'scores.csv'), 'utf8').split('\n')[0]).toMatch(/^id,sar,optical,score,/);
  });

  it('gives the scores of `doppel score`, also of many pairs an item', async () => {
    await plan('many');
    expect((await run('many')).exitCode).toBe(42);
    expect((await doppel('status', at('many'))).stdout).toContain('failed: pairs 1 to 3: 1 of 3 pairs: Cannot read');
    await doppel('merge', at('many'), '--out', at('elsewhere'));
    const words = ['score', '--model', at('model.safetensors'), '--manifest', at('pairs.jsonl'), '--backend', 'wasm'];
    const printed = (await runDoppel(words)).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rowsOf('elsewhere', 'scores.jsonl')).toEqual(printed.map((row) => ({ id: '2', ...row })));
  });

  it('takes STAC items', async () => {
    const asset = (href: string) => ({ href });
    const features = ['x', 'y'].map((id, i) => ({
      ...{ type: 'Feature', id, properties: { datetime: null } },
      assets: { sar: asset(`./${i}.png`), optical: asset('2.png') },
    }));
    writeFileSync(at('items.json'), JSON.stringify({ type: 'FeatureCollection', features }));
    const words = ['plan', 'score', at('items.json'), '--out', at('stac'), '--model', at('model.safetensors')];
    expect((await doppel(...words)).stdout).toContain('1 items planned');
    expect((await run('stac')).exitCode).toBe(0);
    await doppel('merge', at('stac'));
    expect(rowsOf('stac', 'scores.jsonl').map(({ id, sar }) => [id, sar])).toEqual([
      ['x', '0.png'],
      ['y', '1.png'],
    ]);
  });

  it('is run with its own model and data only, wherever they lie', async () => {
    await plan('own', '--inputs', 'size');
    writeFileSync(at('other.safetensors'), tinyCheckpoint(2));
    await expect(run('own', '--model', at('other.safetensors'))).rejects.toThrow('the one it was made for');
    expect((await run('own', '--data', at('nowhere'))).stdout).toContain('1 failed for good');
    expect((await run('own', '--data', folder, '--retry-failed', '--results', at('results'))).exitCode).toBe(42);
    expect(JSON.parse((await doppel('merge', at('own'), '--results', at('results'), '--json')).stdout)).toMatchObject({
      ...{ items: 1, rows: 3, failed: 1, missing: 0 },
    });
  });

  it('says what is no plan', async () => {
    await expect(run('nothing')).rejects.toThrow('Make one by `doppel batch plan`');
    await expect(doppel('plan')).rejects.toThrow('one of the commands embed, experiment, mine, register, score');
  });
});
