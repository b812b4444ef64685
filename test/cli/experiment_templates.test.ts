/** `doppel experiment templates` on the demo's scenes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../packages/core/src/errors.ts';
import { runDoppel } from './run_command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doppel-templates-'));
  await runDoppel([
    ...['data', 'import', 'scenes', 'data/demo', '--side', '64', '--unit', 'amplitude', '--windows'],
    ...['--out', join(folder, 'data')],
  ]);
  await runDoppel(['data', 'split', join(folder, 'data'), '--protocol', 'data/demo/protocol.json']);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const measure = (...flags: string[]) =>
  runDoppel(['experiment', 'templates', '--data', join(folder, 'data'), ...flags]);

describe('doppel experiment templates', () => {
  it('compares the matcher with gradients on the same templates', async () => {
    const { stdout } = await measure('--split', 'validation', '--sides', '64', '--templates', '8', '--json');
    const { rows, within } = JSON.parse(stdout);
    expect(within).toEqual([1, 2, 3, 5]);
    expect(rows).toMatchObject([
      { method: 'matcher', side: 64, alignment: 'raw', templates: 16 },
      { method: 'gradients', side: 64, alignment: 'raw', templates: 16 },
    ]);
    for (const { found } of rows) expect(found).toEqual(found.toSorted((a: number, b: number) => a - b));
    expect(rows[0].found[3]).toBeGreaterThan(0.3); // chance: 9 %
  }, 60_000);

  it('refuses sides that are none, and repaired places without alignment.json', async () => {
    await expect(measure('--sides', '64,65')).rejects.toThrow(UsageError);
    await expect(measure('--alignment', 'repaired')).rejects.toThrow('alignment.json');
  });
});
