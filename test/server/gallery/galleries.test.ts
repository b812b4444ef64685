/** `/v1/galleries`, `/v1/search` and pictures: over a fake, and over galleries with a small model. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Guard } from '../../../packages/server/src/access/guard.ts';
import { createApp } from '../../../packages/server/src/app.ts';
import { type GalleryTask, openGalleries } from '../../../packages/server/src/gallery/gallery_engine.ts';
import type { GalleryService, SearchInput } from '../../../packages/server/src/gallery/gallery_service.ts';
import { placesSchema } from '../../../packages/server/src/routes/galleries.ts';
import { prometheusMetrics } from '../../../packages/server/src/runtime/prometheus.ts';
import { Replaceable } from '../../../packages/server/src/scoring/replaceable.ts';
import { fakeScorer, soleModel } from '../fake_scorer.ts';
import { noisePatch } from '../tiny_model.mjs';
import { FAKE_GALLERY, fakeGalleries } from './fake_galleries.ts';
import { buildSmallGallery } from './small_gallery.ts';

const searched: SearchInput[] = [];
const metrics = prometheusMetrics();
const needs: string[] = [];
const guard: Guard = {
  admit: async (_, need) => {
    needs.push(need);
    return { name: 'somebody' };
  },
  spend: async () => {},
};
const app = createApp({ models: soleModel(fakeScorer()), galleries: fakeGalleries(searched), metrics, guard });
const image = { data: [1, 2, 3, 4], shape: [2, 2] };
const post = (body: object) =>
  app.request('/v1/search', {
    ...{ method: 'POST', body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json' },
  });
const postForm = (fields: Record<string, string | Blob>) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return app.request('/v1/search', { method: 'POST', body });
};
const file = new Blob([new Uint8Array([7, 7])]);

describe('GET /v1/galleries', () => {
  it('answers 503 while they are being opened, and the server is not ready', async () => {
    const { value } = fakeGalleries();
    const galleries = new Replaceable<GalleryService>({ ...value, ready: () => false, describe: () => [] });
    const opening = createApp({ models: soleModel(fakeScorer()), galleries });
    for (const path of ['/v1/galleries', '/readyz', '/v2/health/ready']) {
      expect((await opening.request(path)).status, path).toBe(503);
    }
    expect((await (await opening.request('/v1/galleries')).json()).type).toBe('urn:doppel:problem:not-ready');
    expect((await app.request('/readyz')).status).toBe(200);
  });

  it('describes them, and none where there are none', async () => {
    const { digest: _, ...described } = FAKE_GALLERY;
    expect(await (await app.request('/v1/galleries')).json()).toEqual({ galleries: [described] });
    const bare = createApp({ models: soleModel(fakeScorer()) });
    expect(await (await bare.request('/v1/galleries')).json()).toEqual({ galleries: [] });
    const answer = await bare.request('/v1/search', {
      method: 'POST',
      body: JSON.stringify({ image }),
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status).toBe(404);
    expect((await answer.json()).detail).toContain('--gallery NAME=FOLDER');
  });
});

describe('POST /v1/search', () => {
  it('answers GeoJSON with a picture of each place', async () => {
    const answer = await post({ image, k: 2, modality: 'sar' });
    expect(answer.headers.get('content-type')).toMatch(/^application\/geo\+json/);
    const { features } = placesSchema.strict().parse(await answer.json());
    expect(features.map(({ properties }) => properties.picture)).toEqual([
      '/v1/galleries/demo/pictures/0-0-0-64',
      '/v1/galleries/demo/pictures/0-8-0-64',
    ]);
    const [ring] = features[0]!.geometry!.coordinates;
    expect(ring).toEqual([
      [14, 49],
      [14, 48],
      [15, 48],
      [15, 49],
      [14, 49],
    ]); // counterclockwise
  });

  it('reads a form as it reads JSON', async () => {
    await post({ image: { ...image, unit: 'dB' }, gallery: 'demo', bbox: [14, 48, 15, 49] });
    await postForm({ image: file, gallery: 'demo', bbox: '14,48,15,49', k: '10', unit: 'dB' });
    const [json, form] = searched.slice(-2);
    expect(form).toMatchObject({ gallery: 'demo', k: 10, bbox: [14, 48, 15, 49], image: { kind: 'file', unit: 'dB' } });
    expect(json).toMatchObject({
      gallery: 'demo',
      k: 10,
      bbox: [14, 48, 15, 49],
      image: { kind: 'samples', unit: 'dB' },
    });
  });

  it.each([
    ['no image', {}, 400],
    ['another modality', { image, modality: 'optical' }, 400],
    ['too many places', { image, k: 101 }, 400],
    ['a box upside down', { image, bbox: [0, 10, 1, 0] }, 400],
    ['a box off the Earth', { image, bbox: [0, 0, 999, 0] }, 400],
    ['an unknown field', { image, place: 1 }, 400],
    ['an unknown gallery', { image, gallery: 'other' }, 404],
    ['a scene that is missing', { image: { data: [404], shape: [1, 1] } }, 503],
  ])('refuses %s', async (_, body, status) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((await answer.json()).detail.length).toBeGreaterThan(10);
  });

  it('refuses forms that are no search', async () => {
    for (const fields of [
      {},
      { image: 'text' },
      { image: file, k: '' },
      { image: file, bbox: '1,2' },
      { image: file, unit: 'x' },
    ]) {
      expect((await postForm(fields)).status, Object.keys(fields).join()).toBe(400);
    }
    expect((await postForm({ image: new Blob([]) })).status).toBe(422);
  });

  it('is counted, and asks for the scope search', async () => {
    needs.length = 0;
    await post({ image });
    await app.request('/v1/galleries');
    await app.request('/v1/galleries/demo/pictures/0-0-0-64');
    expect(needs).toEqual(['search', 'search', 'search']);
    expect(await metrics.text()).toMatch(/doppel_search_duration_seconds_count\{outcome="failed"\} [1-9]/);
    expect(await metrics.text()).toMatch(/doppel_search_duration_seconds_count\{outcome="found"\} [1-9]/);
  });
});

it('answers pictures as PNG, and 404 for none', async () => {
  const answer = await app.request('/v1/galleries/demo/pictures/0-0-0-64');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
  for (const path of ['demo/pictures/9-0-0-64', 'other/pictures/0-0-0-64', 'demo/pictures/..%2F..%2Fetc']) {
    expect((await app.request(`/v1/galleries/${path}`)).status).toBe(404);
  }
});

describe('openGalleries', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-serve-gallery-'));
  let task: GalleryTask;

  beforeAll(async () => {
    await selectBackend({ requested: 'wasm' });
    task = await buildSmallGallery(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const search = (bytes: Uint8Array): SearchInput => ({
    gallery: 'g',
    k: 2,
    image: { kind: 'file', name: 'p', bytes },
  });
  const { signal } = new AbortController();

  it('finds places and draws them', async () => {
    const engine = await openGalleries(task, []);
    expect(engine.described).toMatchObject([{ name: 'g', tiles: 36, side: 64, modality: 'optical', bbox: null }]);
    const outcome = await engine.search(search(noisePatch(9).png), signal);
    if ('error' in outcome) throw new Error(outcome.error.detail);
    expect(outcome.places.map(({ rank }) => rank)).toEqual([1, 2]);
    const { picture } = (await engine.picture('g', '0-3-5-64')) as { picture: Uint8Array };
    expect([...picture.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    for (const tile of ['0-50-0-64', '1-0-0-64', '0-0-0-0', '0-0-0', 'x']) {
      expect(await engine.picture('g', tile), tile).toEqual({ picture: null });
    }
  });

  it('says what is wrong with an image, and hides where scenes lie from all but the log', async () => {
    const log: string[] = [];
    const engine = await openGalleries(task, [], (line) => log.push(line));
    expect(await engine.search(search(noisePatch(9, 60).png), signal)).toMatchObject({
      error: { problem: 'unusable-image' },
    });
    expect(await engine.search(search(new Uint8Array([1])), signal)).toMatchObject({
      error: { problem: 'unusable-image' },
    });
    expect(await engine.search(search(noisePatch(9, 200).png), signal)).toMatchObject({
      error: { problem: 'payload-too-large' },
    });
    const named: SearchInput = {
      ...search(new Uint8Array([1])),
      image: { kind: 'file', name: 'a/b.tif', bytes: new Uint8Array([1]) },
    };
    expect(await engine.search(named, signal)).toMatchObject({ error: { problem: 'unusable-image' } });
    expect(log).toEqual([]);
    writeFileSync(join(folder, 'a.png'), noisePatch(2, 104).png);
    const outcome = await engine.search(search(noisePatch(9).png), signal);
    expect(outcome).toMatchObject({ error: { problem: 'gallery-unavailable' } });
    expect(JSON.stringify(outcome)).not.toContain(folder);
    expect(log.join()).toMatch(/^the gallery g cannot be used: .*a\.png/);
  });

  it('refuses a gallery of another model, and a folder without one', async () => {
    await expect(openGalleries({ ...task, models: [] }, [])).rejects.toThrow('Name it by --model');
    const nowhere = { ...task, galleries: [{ name: 'g', folder: join(folder, 'nowhere') }] };
    await expect(openGalleries(nowhere, [])).rejects.toThrow('doppel gallery build');
  });
});
