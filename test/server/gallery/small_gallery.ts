/** A gallery of one scene of noise by the small dense matcher, searched in the caller's thread. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openModel } from '@doppel/core';
import { buildGallery } from '@doppel/core/gallery';
import { FileStore } from '@doppel/core/node';
import { type GalleryTask, openGalleries } from '../../../packages/server/src/gallery/gallery_engine.ts';
import type { GalleryService } from '../../../packages/server/src/gallery/gallery_service.ts';
import { Replaceable } from '../../../packages/server/src/scoring/replaceable.ts';
import { denseCheckpoint, noisePatch } from '../tiny_model.mjs';

/** Builds the gallery `g` in a folder, of its file a.png. Needs a backend. */
export async function buildSmallGallery(folder: string): Promise<GalleryTask> {
  const [scene, out] = [join(folder, 'a.png'), join(folder, 'g')];
  writeFileSync(scene, noisePatch(1, 104).png);
  const bytes = denseCheckpoint();
  const model = await openModel(bytes, 'dense');
  await buildGallery(new FileStore(), { scenes: [scene], out, model, modelName: 'dense', sensor: 'optical' });
  const galleries = [{ name: 'g', folder: out }];
  return { galleries, models: [{ file: 'dense', bytes }], backend: 'wasm', maxPixels: 2 ** 14 };
}

/** The same as an app takes it. */
export async function openSmallGallery(folder: string): Promise<Replaceable<GalleryService>> {
  const { described, search, picture } = await openGalleries(await buildSmallGallery(folder), []);
  const { signal: never } = new AbortController();
  return new Replaceable<GalleryService>({
    ready: () => true,
    describe: () => described,
    search: (input, signal = never) => search(input, signal),
    picture,
  });
}
