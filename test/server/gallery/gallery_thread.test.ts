/** The thread of galleries: its requests fail with it and the next one starts another; galleries change with their models. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { OverloadError, ServerError } from '../../../packages/server/src/errors.ts';
import { GalleryThread } from '../../../packages/server/src/gallery/gallery_thread.ts';
import { settingsFrom } from '../../../packages/server/src/runtime/flags.ts';
import { type RunningServer, startServer } from '../../../packages/server/src/runtime/start_server.ts';

const MAIN = new URL('./fake_gallery_worker.mjs', import.meta.url);
const SCORING = new URL('../scoring/fake_worker.mjs', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'doppel-gallery-thread-'));
const at = (name: string) => join(folder, name);
const encode = (text: string) => new TextEncoder().encode(text);
const log: string[] = [];
const open: { close(): Promise<void> }[] = [];
afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));
afterAll(() => rmSync(folder, { recursive: true }));

function thread(gallery = 'first scenes'): GalleryThread {
  writeFileSync(at('g'), gallery);
  const task = { galleries: [{ name: 'g', folder: at('g') }], models: [{ file: 'm', bytes: encode('first') }] };
  const made = new GalleryThread({ ...task, backend: undefined, maxPixels: 9 }, (line) => log.push(line), MAIN);
  open.push(made);
  return made;
}
const search = (sample: number) => ({
  ...{ gallery: 'g', k: 1 },
  image: { kind: 'samples', name: 'p', data: Float32Array.of(sample), height: 1, width: 1, bands: 1 } as const,
});

it('answers, and goes on after a search that failed', async () => {
  const galleries = thread();
  expect([galleries.ready(), galleries.describe()]).toEqual([false, []]);
  await galleries.opened;
  expect(galleries.ready()).toBe(true);
  expect(await galleries.search(search(1))).toEqual({ places: [] });
  await expect(galleries.search(search(669))).rejects.toThrow('out of memory');
  expect(await galleries.picture('g', '0-0-0-64')).toEqual({ picture: null });
});

it('starts again after its thread has died', async () => {
  const galleries = thread();
  await galleries.opened;
  const [died, beside] = await Promise.allSettled([galleries.search(search(668)), galleries.search(search(666))]);
  for (const each of [died, beside]) expect((each as PromiseRejectedResult).reason).toBeInstanceOf(ServerError);
  expect(await galleries.search(search(1))).toEqual({ places: [] });
  expect(log.join()).toContain('exit code 3');
});

it('gives up a search whose client has left, and refuses more than it can hold', async () => {
  const galleries = thread();
  await galleries.opened;
  const abort = new AbortController();
  const waiting = Array.from({ length: 32 }, () => galleries.search(search(668), abort.signal));
  await expect(galleries.search(search(1))).rejects.toThrow(OverloadError);
  expect(await galleries.picture('g', '0-0-0-64')).toEqual({ picture: null });
  abort.abort(new Error('gone'));
  for (const each of waiting) await expect(each).rejects.toThrow('gone');
  expect(await galleries.search(search(1))).toEqual({ places: [] });
});

it('draws more pictures at a time than it holds searches, and they take no place of one', async () => {
  const galleries = thread();
  await galleries.opened;
  const pictures = Array.from({ length: 40 }, () => galleries.picture('g', '0-0-0-64'));
  expect(await galleries.search(search(1))).toEqual({ places: [] });
  expect(await Promise.all(pictures)).toEqual(pictures.map(() => ({ picture: null })));
});

it('tells the log what its thread tells', async () => {
  const galleries = thread();
  await galleries.opened;
  await galleries.search(search(670));
  expect(log).toContain('a scene is missing');
});

it('says why a gallery does not open', async () => {
  await expect(thread('other scenes').opened).rejects.toThrow('expected its model, found others');
});

it('changes with the models of a server, or stays with them', async () => {
  const files = new Map([['a', encode('first')]]);
  writeFileSync(at('g'), 'first scenes');
  const server: RunningServer = await startServer({
    settings: settingsFrom({ model: ['x=a'], gallery: [`g=${at('g')}`], port: 0, batchDelay: 0 }, {}),
    read: async (file) => files.get(file)!,
    log: (line) => log.push(line),
    ...{ main: SCORING, galleryMain: MAIN },
  });
  open.push(server);
  const galleries = async () => (await (await fetch(`${server.url}/v1/galleries`)).json()).galleries;
  const reload = async () => {
    const answer = await fetch(`${server.url}/v1/admin/reload`, { method: 'POST' });
    return { status: answer.status, ...(await answer.json()) };
  };
  expect(await galleries()).toMatchObject([{ name: 'g', tiles: 12 }]);
  expect(await reload()).toMatchObject({ status: 200, galleries: [{ name: 'g', tiles: 12, changed: false }] });
  writeFileSync(at('g'), 'first more scenes');
  expect(await reload()).toMatchObject({ status: 200, galleries: [{ name: 'g', tiles: 17, changed: true }] });

  files.set('a', encode('second')); // the gallery is of the first
  expect(await reload()).toMatchObject({ status: 409, detail: expect.stringContaining('its model') });
  expect(await galleries()).toMatchObject([{ tiles: 17 }]);
  const image = { data: [3], shape: [1, 1] };
  const body = JSON.stringify({ sar: image, optical: image });
  const scored = await fetch(`${server.url}/v1/match`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  });
  const before = (await scored.json()).modelFingerprint;
  writeFileSync(at('g'), 'second scenes');
  expect(await reload()).toMatchObject({ models: [{ changed: true }], galleries: [{ tiles: 13, changed: true }] });
  const [gallery] = await galleries();
  expect(gallery.fingerprint).not.toBe(before);
});

it('does not start a server whose gallery does not open', async () => {
  writeFileSync(at('g'), 'other scenes');
  const start = startServer({
    settings: settingsFrom({ model: ['x=a'], gallery: [`g=${at('g')}`], port: 0 }, {}),
    read: async () => encode('first'),
    log: () => {},
    ...{ main: SCORING, galleryMain: MAIN },
  });
  await expect(start).rejects.toThrow('expected its model');
});
