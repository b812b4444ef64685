/** Galleries on disk: building, resuming, adding, and refusing what is damaged or of another model. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { FileError, FormatError, PatchError, StaleCacheError, UsageError } from '../../../packages/core/src/errors.ts';
import {
  type BuildTask,
  buildGallery,
  collectGallery,
  embedSceneFile,
} from '../../../packages/core/src/gallery/build_gallery.ts';
import { Gallery } from '../../../packages/core/src/gallery/gallery.ts';
import { extentOf } from '../../../packages/core/src/gallery/gallery_extent.ts';
import { searchGallery } from '../../../packages/core/src/gallery/search_gallery.ts';
import { type Model, openModel } from '../../../packages/core/src/model.ts';
import { FileStore } from '../../../packages/core/src/node.ts';
import { decodeRaster } from '../../../packages/core/src/raster/open.ts';
import { denseCheckpoint, noisePatch, tinyCheckpoint } from '../../server/tiny_model.mjs';

const store = new FileStore();
const folder = mkdtempSync(join(tmpdir(), 'doppel-gallery-'));
let model: Model;
let out = '';
let builds = 0;

const scene = (name: string, seed: number, side = 104) => {
  const path = join(folder, name);
  writeFileSync(path, noisePatch(seed, side).png);
  return path;
};
const patchOf = (seed: number, side = 64) => decodeRaster(noisePatch(seed, side).png, 'patch.png');
const build = (task: Partial<BuildTask> = {}, watch = {}) =>
  buildGallery(store, { scenes: [], out, model, modelName: 'tiny', sensor: 'optical', ...task }, watch);

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  model = await openModel(denseCheckpoint(), 'tiny');
});
beforeEach(() => {
  out = join(folder, `gallery${builds++}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('buildGallery', () => {
  it('embeds each content once, and again where a file has changed', async () => {
    const [a, b] = [scene('a.png', 1), scene('b.png', 2)];
    expect(await build({ scenes: [a, b] })).toMatchObject({ embedded: 2, kept: 0 });
    expect(await build({ scenes: [a, b, scene('copy.png', 1)] })).toMatchObject({ embedded: 0, kept: 3 });
    const before = await Gallery.open(store, out);
    expect(before.tiles().count).toBe(2 * 6 * 6); // (104 − 64) / 8 + 1 in each direction
    expect(extentOf(before.facts)).toEqual({ tiles: 2 * 6 * 6, bbox: undefined, metresPerPixel: undefined });
    const small = {
      ...before.facts.scenes[0]!,
      width: 63,
      bounds: [1, 2, 3, 4] as [number, number, number, number],
      metres: 10,
    };
    expect(extentOf({ side: 64, scenes: [small] })).toEqual({
      ...{ tiles: 0, bbox: [1, 2, 3, 4], metresPerPixel: 10 }, // narrower than a tile
    });
    scene('b.png', 3);
    expect(await build({ scenes: [b] })).toMatchObject({ embedded: 1, kept: 0 });
    const files = readdirSync(out).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBe(2); // those of the older content are gone
  });

  it('tells files of other bands, or with other companions, apart', async () => {
    const data = Uint8Array.from({ length: 3 * 104 * 104 }, (_, i) => (i * 7919) % 251);
    const colours = join(folder, 'colours.png');
    writeFileSync(colours, encode({ width: 104, height: 104, channels: 3, depth: 8, data }));
    const bands = [2, 1, 0];
    expect(await build({ scenes: [colours] })).toMatchObject({ embedded: 1, kept: 0 });
    expect(await build({ scenes: [colours], bands })).toMatchObject({ embedded: 1, kept: 0 });
    const { gallery, embedded } = await build({ scenes: [colours], bands });
    expect([embedded, gallery.scenes.map((each) => each.bands)]).toEqual([0, [[3, 2, 1]]]);

    out = join(folder, 'companions');
    const twins = [scene('bare.png', 1), scene('described.png', 1)];
    writeFileSync(`${twins[1]}.aux.xml`, '<PAMDataset></PAMDataset>');
    expect(await build({ scenes: twins })).toMatchObject({ embedded: 2, kept: 0 });
    expect((await Gallery.open(store, out)).tiles().count).toBe(2 * 6 * 6);
  });

  it('gives what scenes give that are embedded one by one, and collected', async () => {
    const scenes = [scene('a.png', 1), scene('b.png', 2), scene('copy.png', 1)];
    const { gallery } = await build({ scenes });
    const task = { out: join(folder, 'collected'), model, modelName: 'tiny', sensor: 'optical' } as const;
    const embedded = await Promise.all(scenes.map((path) => embedSceneFile(store, task, path)));
    expect(await collectGallery(store, task, embedded)).toEqual(gallery);
    expect((await Gallery.open(store, task.out)).tiles().count).toBe(2 * 6 * 6);
    const sar = { ...task, sensor: 'sar' } as const;
    await expect(collectGallery(store, sar, embedded)).rejects.toThrow(UsageError);
  });

  it('copies cells of other folders once it may take them, and none where one is missing', async () => {
    const parts = join(folder, 'parts');
    const part = { out: parts, model, modelName: 'tiny', sensor: 'optical' } as const;
    const embedded = [await embedSceneFile(store, part, scene('part.png', 4))];
    const task = { ...part, out: join(folder, 'whole') };
    await expect(collectGallery(store, task, embedded)).rejects.toThrow(FileError);
    expect(await store.stat(task.out)).toBeUndefined();
    const { cells } = embedded[0]!;
    const lost = [...embedded, { ...embedded[0]!, file: 'lost.png', cells: 'cells-0123456789abcdef-0.safetensors' }];
    await expect(collectGallery(store, task, lost, { from: [parts] })).rejects.toThrow(/cells-0123.*--results/);
    expect(await store.stat(task.out)).toBeUndefined();

    const facts = await collectGallery(store, task, [], { from: [] });
    const foreign = { ...facts, model: { name: 'other', fingerprint: '0'.repeat(64) } };
    writeFileSync(join(task.out, 'gallery.json'), JSON.stringify(foreign));
    await expect(collectGallery(store, task, embedded, { from: [parts] })).rejects.toThrow(StaleCacheError);
    expect(readdirSync(task.out)).toEqual(['gallery.json']);

    rmSync(task.out, { recursive: true });
    await collectGallery(store, task, embedded, { from: [parts] });
    expect(readdirSync(task.out).sort()).toEqual([cells, 'gallery.json']);
  });

  it('goes on where it was stopped', async () => {
    const scenes = [1, 2, 3].map((seed) => scene(`${seed}.png`, seed));
    const abort = new AbortController();
    const onScene = (_: string, done: number) => done === 2 && abort.abort(new Error('stopped'));
    await expect(build({ scenes }, { signal: abort.signal, onScene })).rejects.toThrow('stopped');
    expect((await Gallery.open(store, out)).facts.scenes.length).toBe(2);
    expect(await build({ scenes })).toMatchObject({ embedded: 1, kept: 2 });
    expect(readdirSync(out).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('does not depend on the order, nor on the stops', async () => {
    const scenes = [scene('x.png', 7), scene('y.png', 8)];
    await build({ scenes });
    const cells = () =>
      readdirSync(out)
        .filter((name) => name.startsWith('cells'))
        .map((name) => readFileSync(join(out, name)));
    const first = cells();
    out = join(folder, 'other');
    await build({ scenes: scenes.slice(1) });
    await build({ scenes });
    expect(cells()).toEqual(first);
  });

  it('refuses another model, another sensor, and a model that does not search', async () => {
    const scenes = [scene('a.png', 1)];
    await build({ scenes });
    const tiny = await openModel(tinyCheckpoint(), 'two-channel');
    await expect(build({ scenes, model: tiny })).rejects.toThrow(UsageError);
    await expect(build({ scenes, sensor: 'sar' })).rejects.toThrow('expected optical scenes, found sar scenes');
    const facts = join(out, 'gallery.json');
    writeFileSync(facts, readFileSync(facts, 'utf8').replace(model.info.fingerprint, 'f'.repeat(64)));
    await expect(build({ scenes })).rejects.toThrow(StaleCacheError);
  });

  it('keeps the scenes before one that cannot be read', async () => {
    const broken = join(folder, 'broken.png');
    writeFileSync(broken, 'no image');
    await expect(build({ scenes: [scene('a.png', 1), broken] })).rejects.toThrow(FormatError);
    expect((await Gallery.open(store, out)).facts.scenes.length).toBe(1);
  });
});

describe('Gallery', () => {
  it('refuses a folder without one, and files that are cut short', async () => {
    await expect(Gallery.open(store, join(folder, 'nothing'))).rejects.toThrow(FileError);
    await build({ scenes: [scene('a.png', 1)] });
    const cells = join(out, readdirSync(out).find((name) => name.startsWith('cells'))!);
    writeFileSync(cells, readFileSync(cells).subarray(0, -100));
    await expect(Gallery.open(store, out)).rejects.toThrow(FormatError);
    writeFileSync(join(out, 'gallery.json'), readFileSync(join(out, 'gallery.json'), 'utf8').slice(0, 200));
    await expect(Gallery.open(store, out)).rejects.toThrow('Build the gallery again');
  });
});

describe('searchGallery', () => {
  it('finds distinct places, the best first, the same each time', async () => {
    await build({ scenes: [scene('a.png', 1), scene('b.png', 2)] });
    const gallery = await Gallery.open(store, out);
    const patch = await patchOf(9);
    const places = await searchGallery(gallery, model, patch, { k: 4 });
    expect(places.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
    const similarities = places.map(({ similarity }) => similarity);
    expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
    expect(await searchGallery(gallery, model, patch, { k: 4 })).toEqual(places);
    for (const { window } of places) {
      expect(window).toMatchObject({ width: 64, height: 64 });
      expect(Math.min(window.column, window.row)).toBeGreaterThanOrEqual(0);
      expect(Math.max(window.column, window.row)).toBeLessThanOrEqual(104 - 64);
    }
  });

  it('scores a place as any pair is scored', async () => {
    await build({ scenes: [scene('a.png', 1)] });
    const gallery = await Gallery.open(store, out);
    const patch = await patchOf(9);
    const [best] = await searchGallery(gallery, model, patch);
    const optical = await (await gallery.scene(0)).read(best!.window);
    const [pair] = await model.score([{ sar: patch, optical }]);
    expect(best!.score).toBeCloseTo(pair!.score, 4);
    expect(best!.probability).toBeCloseTo(pair!.probability, 5);
  });

  it('refuses another model, unsuitable patches, and scenes that are gone or others', async () => {
    const a = scene('a.png', 1);
    await build({ scenes: [a] });
    const gallery = await Gallery.open(store, out);
    const patch = await patchOf(9);
    const other = { ...model, info: { ...model.info, fingerprint: 'e'.repeat(64) } };
    await expect(searchGallery(gallery, other, patch)).rejects.toThrow(StaleCacheError);
    await expect(searchGallery(gallery, model, await patchOf(9, 60))).rejects.toThrow(PatchError);
    const missing = { ...patch, noData: new Uint8Array(64 * 64).fill(1) };
    await expect(searchGallery(gallery, model, missing)).rejects.toThrow('valid samples');
    writeFileSync(a, noisePatch(5, 104).png);
    await expect(searchGallery(gallery, model, patch)).rejects.toThrow('the file that was embedded');
    rmSync(a);
    await expect(searchGallery(gallery, model, patch)).rejects.toThrow(FileError);
  });

  it('finds nothing outside of the bounds that are asked for, nor in scenes without a place', async () => {
    await build({ scenes: [scene('a.png', 1)] });
    const gallery = await Gallery.open(store, out);
    expect(await searchGallery(gallery, model, await patchOf(9), { bbox: [-180, -90, 180, 90] })).toEqual([]);
  });
});
