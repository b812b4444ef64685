import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FormatError, StaleCacheError } from '../../../../packages/core/src/errors.ts';
import { openScoreCache, type ScoreKey } from '../../../../packages/core/src/mining/blocks/score_cache.ts';
import { FileStore } from '../../../../packages/core/src/node.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';

const key: ScoreKey = {
  kind: 'match',
  model: 'a'.repeat(64),
  normalisation: 'b'.repeat(64),
  data: 'c'.repeat(64),
  split: 'train',
  pairs: 'd'.repeat(64),
  candidates: 3,
  seed: 1,
  pairsPerBlock: 6,
};
const block = { index: 0, anchors: [4, 5], pool: [1, 5, 9] };
const scores = { scores: Float32Array.of(1, 2, 3, 4, 5, 6), positives: Float32Array.of(7, 8) };

async function filled() {
  const store = new MemoryStore();
  await (await openScoreCache(store, 'scores', key)).write(block, scores);
  return store;
}

describe('the cache of scores', () => {
  test('gives back the blocks that were written, and no others', async () => {
    const cache = await openScoreCache(await filled(), 'scores', key);
    expect(await cache.read(block)).toEqual(scores);
    expect(await cache.read({ ...block, index: 1 })).toBeUndefined();
  });

  test.each([
    ['model', 'e'.repeat(64), /expected model eeeeeeeeeeee…, found model aaaaaaaaaaaa…/],
    ['normalisation', 'e'.repeat(64), /expected normalisation/],
    ['data', 'e'.repeat(64), /expected data set/],
    ['pairs', 'e'.repeat(64), /expected pairs in the split/],
    ['kind', 'likeness', /expected kind of score likeness, found kind of score match/],
    ['split', 'validation', /expected split validation, found split train/],
    ['candidates', 4, /expected number of candidates 4, found number of candidates 3/],
    ['seed', null, /expected seed of the pools none, found seed of the pools 1/],
  ] as const)('made with another %s is refused, with the way out', async (field, value, message) => {
    const open = openScoreCache(await filled(), 'scores', { ...key, [field]: value });
    await expect(open).rejects.toThrow(StaleCacheError);
    await expect(open).rejects.toThrow(message);
    await expect(open).rejects.toThrow(/--refresh-cache.*--cache/);
  });

  test('is made anew when that is asked for', async () => {
    const store = await filled();
    const other = { ...key, seed: 2 };
    const cache = await openScoreCache(store, 'scores', other, { refresh: true });
    expect(await cache.read(block)).toBeUndefined();
    expect(await store.list('scores')).toEqual(['manifest.json']);
    await expect(openScoreCache(store, 'scores', other)).resolves.toBeDefined();
  });

  test('a damaged block or manifest is named', async () => {
    const store = await filled();
    const file = 'scores/block-00000.safetensors';
    const bytes = await store.read(file);
    await store.write(file, bytes.slice(0, -4));
    const cache = await openScoreCache(store, 'scores', key);
    await expect(cache.read(block)).rejects.toThrow(/block-00000.safetensors/);
    await store.write(file, bytes);
    await expect(cache.read({ ...block, anchors: [4, 6] })).rejects.toThrow(FormatError);
    await expect(cache.read({ ...block, pool: [1, 5] })).rejects.toThrow(/block-00000/);
    await store.write('scores/manifest.json', '{"doppel":"mining-scores"');
    await expect(openScoreCache(store, 'scores', key)).rejects.toThrow(/manifest.json.*something else/);
  });

  test('a folder of something else is left alone, even when asked to refresh', async () => {
    const store = new MemoryStore();
    await store.write('photos/holiday.jpg', 'x');
    for (const folder of ['photos', 'photos/holiday.jpg']) {
      await expect(openScoreCache(store, folder, key, { refresh: true })).rejects.toThrow(FormatError);
    }
    expect(store.files.size).toBe(1);
  });
});

describe('processes that open a new cache at once', () => {
  test('share it where their scores are the same, and else all but those of the first are refused', async () => {
    const base = await mkdtemp(join(tmpdir(), 'doppel-scores-'));
    try {
      for (let round = 0; round < 20; round++) {
        const folder = join(base, `${round}`);
        const seeds = [1, 2, 1, 2, 1, 2];
        const opened = await Promise.allSettled(
          seeds.map((seed) => openScoreCache(new FileStore(), folder, { ...key, seed })),
        );
        const first = seeds[opened.findIndex(({ status }) => status === 'fulfilled')];
        for (const [i, seed] of seeds.entries()) {
          if (seed === first) expect(opened[i]).toMatchObject({ status: 'fulfilled' });
          else expect(opened[i]).toMatchObject({ reason: expect.any(StaleCacheError) });
        }
        await expect(openScoreCache(new FileStore(), folder, { ...key, seed: first! })).resolves.toBeDefined();
        expect(await readdir(folder)).toEqual(['manifest.json']);
      }
    } finally {
      await rm(base, { recursive: true });
    }
  });

  test('wait for none that has begun its manifest', async () => {
    const store = new MemoryStore();
    await store.write('scores/manifest.json.7-ab-0.tmp', '{"dop');
    await expect(openScoreCache(store, 'scores', key)).resolves.toBeDefined();
  });

  test('make it anew where the manifest of one that was faster is gone again', async () => {
    let tries = 0;
    class Vanishing extends MemoryStore {
      override async writeNew(path: string, bytes: string) {
        return tries++ === 0 ? false : super.writeNew(path, bytes);
      }
    }
    const store = new Vanishing();
    await openScoreCache(store, 'scores', key);
    expect([...store.files.keys()]).toEqual(['scores/manifest.json']);
  });

  test('look at the manifest of one that was faster', async () => {
    class Overtaken extends MemoryStore {
      override async writeNew(path: string, bytes: string) {
        await this.write(path, bytes.replace('"seed": 1', '"seed": 2'));
        return super.writeNew(path, bytes);
      }
    }
    const open = openScoreCache(new Overtaken(), 'scores', key);
    await expect(open).rejects.toThrow(/expected seed of the pools 1, found seed of the pools 2/);
  });
});
