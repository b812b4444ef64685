/**
 * The whole walk as a user types it, by the built command line, on small synthetic scenes: bright shapes that both sensors
 * see, speckle on one. What is asked: that each command takes what the one before it wrote, and says what it promises.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Rng } from '../../packages/core/src/base/random.ts';
import { geoTags, tiffFile } from '../core/raster/tiff_fixture.ts';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const SIDE = 128;
const folder = mkdtempSync(join(tmpdir(), 'doppel-walk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @returns the JSON object on stdout. */
async function doppel(...args: string[]) {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args, '--json'], { cwd: folder });
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout);
}

/** Two images of one piece of ground, far from the others. */
function writeScene(index: number): void {
  const rng = Rng.derive(index, 'scene');
  const shapes = Array.from(
    { length: 30 },
    () => [rng.int(SIDE), rng.int(SIDE), 4 + rng.int(14), rng.int(150)] as const,
  );
  const ground = Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [row, column] = [Math.floor(i / SIDE), i % SIDE];
    return shapes.reduce(
      (sum, [r, c, size, light]) => (Math.abs(row - r) < size && Math.abs(column - c) < size ? light : sum),
      40,
    );
  });
  const tags = geoTags(500_000 + index * 50_000, 4_000_000, 10);
  const scene = (value: (level: number) => number) =>
    tiffFile({
      width: SIDE,
      height: SIDE,
      tile: 64,
      tags,
      value: (row, column) => Math.min(255, value(ground[row * SIDE + column]!)),
    });
  writeFileSync(
    join(folder, `scenes/sar/${index}.tif`),
    scene((level) => level * Math.sqrt(rng.gamma(4) / 4)),
  );
  writeFileSync(
    join(folder, `scenes/optical/${index}.tif`),
    scene((level) => level + rng.int(8)),
  );
}

beforeAll(() => {
  for (const kind of ['sar', 'optical']) mkdirSync(join(folder, 'scenes', kind), { recursive: true });
  for (let i = 0; i < 6; i++) writeScene(i);
});

it('imports, splits, inspects, trains, mines, trains on, evaluates and scores', { timeout: 240_000 }, async () => {
  const imported = await doppel(
    'data',
    'import',
    'scenes',
    'scenes',
    '--side',
    '64',
    '--unit',
    'amplitude',
    '--out',
    'data',
  );
  expect(imported).toMatchObject({ pairs: 24, groups: 6, side: 64 });

  const { splits } = await doppel('data', 'split', 'data', '--train', '0.5', '--validation', '0.17', '--test', '0.33');
  expect(splits.train.groups + splits.validation.groups + splits.test.groups).toBe(6);
  expect(Math.min(splits.train.groups, splits.validation.groups, splits.test.groups)).toBeGreaterThan(0);

  const inspected = await doppel('data', 'inspect', 'data', '--out', 'inspect');
  expect(inspected.pairs).toBe(24);

  writeFileSync(join(folder, 'run.yaml'), 'epochs: 1\nstepsPerEpoch: 2\nbatch: { positives: 4, negatives: 4 }\n');
  const settings = ['--config', 'run.yaml'];
  const trained = await doppel('train', 'data', ...settings, '--out', 'base');
  expect(trained).toMatchObject({ epochs: 1, metrics: { validationAuc: expect.any(Number) } });

  const mined = await doppel(
    'mine',
    '--model',
    trained.checkpoint,
    '--data',
    'data',
    '--strategy',
    'loss',
    '--out',
    'negatives.jsonl',
  );
  expect(mined.negatives).toBeGreaterThan(0);
  expect(mined.skipped).toBeTypeOf('object');

  const again = await doppel(
    'train',
    'data',
    ...settings,
    '--from',
    trained.checkpoint,
    '--negatives',
    'negatives.jsonl',
    '--out',
    'mined',
  );
  const evaluated = await doppel(
    'evaluate',
    '--model',
    again.checkpoint,
    '--data',
    'data',
    '--out',
    'evaluation',
    '--anchors',
    '0',
  );
  expect(evaluated.pairs).toBeGreaterThan(0);
  expect(evaluated.places).toBe(splits.test.groups);
  for (const metric of ['accuracy', 'precision', 'recall', 'fpr', 'auc', 'averagePrecision', 'fpr95', 'ece']) {
    expect(evaluated[metric], metric).toBeGreaterThanOrEqual(0);
    const [low, high] = evaluated.intervals[metric];
    expect(low <= high, metric).toBe(true);
  }
  expect(readFileSync(join(folder, 'evaluation/report.html'), 'utf8')).toContain('<svg');

  const [record] = readFileSync(join(folder, 'data/pairs.jsonl'), 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line && JSON.parse(line));
  const scored = await doppel(
    'score',
    '--model',
    again.checkpoint,
    '--sar',
    `data/${record.sar}`,
    '--optical',
    `data/${record.optical}`,
  );
  expect(scored).toMatchObject({
    score: expect.any(Number),
    match: expect.any(Boolean),
    threshold: expect.any(Number),
  });
  expect(scored.match).toBe(scored.probability >= scored.threshold);
});
