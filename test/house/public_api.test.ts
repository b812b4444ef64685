/** The named entries of the packages: their names are pinned, and the examples in their headers run. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importScenes } from '../../packages/core/src/import/scenes.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { BUILT_ADDON } from '../../packages/native-cuda/src/addon.ts';
import { writeSyntheticDataset } from '../cli/dataset_on_disk.ts';
import { examplesOf, linesOf, statedBy } from '../examples.ts';
import { noisePatch, tinyCheckpoint } from '../server/tiny_model.mjs';
import { sharedFolder } from '../shared.ts';
import { PACKAGES as FOLDERS, ROOT } from './source_imports.ts';

/** `server` pins its entries by a test of its own. */
const PACKAGES = ['models', 'core', 'report', 'experiment', 'native-cuda', 'web'];

const folder = mkdtempSync(join(tmpdir(), 'doppel-api-'));
const at = (name: string) => join(folder, name);
/** Names in the examples, by the path that stands for them. */
const files = Object.fromEntries(
  [
    'best.safetensors',
    'sar.png',
    'optical.png',
    'scene.tif',
    'runs/data',
    'runs/windows',
    'runs/gallery',
    'golden',
  ].map((name) => [name, at(name)]),
);
files['data/demo'] = join(ROOT, 'data/demo');
const shared = sharedFolder();

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
  writeFileSync(at('best.safetensors'), tinyCheckpoint());
  writeFileSync(at('sar.png'), noisePatch(1).png);
  writeFileSync(at('optical.png'), noisePatch(2).png);
  copyFileSync(join(ROOT, 'data/demo/sar/020.tif'), at('scene.tif'));
  await writeSyntheticDataset(new FileStore(), at('runs/data'));
  await importWindows(at('runs/windows'));
  mkdirSync(at('golden'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One scene of the demo as a data set of windows. */
async function importWindows(out: string): Promise<void> {
  const root = join(ROOT, 'data/demo');
  const scene = { name: '020', sar: join(root, 'sar/020.tif'), optical: join(root, 'optical/020.tif') };
  const options = { side: 64, stride: 64, grid: 'sar', maxNoData: 0, unit: 'amplitude' } as const;
  await importScenes(new FileStore(), [scene], out, { ...options, windows: { root, location: root } });
}

describe.each(PACKAGES)('%s', (name) => {
  const root = new URL(`../../${FOLDERS.get(name)}/`, import.meta.url);
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const entries = Object.entries<{ source: string }>(exports);

  it('exports these names', async () => {
    const names: Record<string, string[]> = {};
    for (const [entry, { source }] of entries) {
      names[entry] = Object.keys(await import(new URL(source, root).pathname)).sort();
    }
    expect(names).toMatchSnapshot();
  });

  it.for(entries)('runs the example of %s', { timeout: 120_000 }, ([entry, { source }], { skip }) => {
    const examples = examplesOf(new URL(source, root));
    expect(examples).toHaveLength(1);
    if (name === 'native-cuda' && !existsSync(BUILT_ADDON)) skip('the addon is not built');
    if (entry === './verify') {
      if (!shared) skip('the reference values are not there');
      copyFileSync(join(shared!, 'golden/pixel-norm-00.safetensors'), join(at('golden'), 'pixel-norm-00.safetensors'));
    }
    const stated = statedBy(examples[0]!);
    expect(stated).not.toHaveLength(0);
    expect(linesOf(examples[0]!, files)).toEqual(stated);
  });
});
