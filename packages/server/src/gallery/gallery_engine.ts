/** Galleries with their models on a backend in this thread: patches in, places out. */
import { type DoppelError, isDoppelError, type Model, openModel, UsageError } from '@doppel/core';
import { type BackendLoader, selectBackend } from '@doppel/core/backends';
import { sha256 } from '@doppel/core/base';
import { extentOf, Gallery, requireSearchable, searchGallery, tilePicture } from '@doppel/core/gallery';
import { FileStore } from '@doppel/core/node';
import { failureOf, rasterOf } from '../scoring/read_image.ts';
import type {
  GalleryDescription,
  PictureOutcome,
  SearchFailure,
  SearchInput,
  SearchOutcome,
} from './gallery_service.ts';

export interface GalleryTask {
  galleries: readonly { name: string; folder: string }[];
  /** Models that the server holds; each gallery is searched by the one that it was built by. */
  models: readonly { file: string; bytes: Uint8Array }[];
  backend: string | undefined;
  maxPixels: number;
}

export interface GalleryEngine {
  readonly described: GalleryDescription[];
  search(input: SearchInput, signal: AbortSignal): Promise<SearchOutcome>;
  picture(gallery: string, tile: string): Promise<PictureOutcome>;
}

interface Opened {
  gallery: Gallery;
  model: Model;
  description: GalleryDescription;
}

/**
 * @param log receives why a gallery cannot be used, which clients are not told.
 * @throws UsageError if no model of the server is that of a gallery. @throws as `Gallery.open`.
 */
export async function openGalleries(
  { galleries, models, backend, maxPixels }: GalleryTask,
  loaders: readonly BackendLoader[],
  log: (line: string) => void = () => {},
): Promise<GalleryEngine> {
  await selectBackend({ ...(backend !== undefined && { requested: backend }), loaders });
  const store = new FileStore();
  const held: Model[] = [];
  for (const { bytes, file } of models) held.push(await openModel(bytes, file));
  const opened = new Map<string, Opened>();
  /** Outcome of work in a gallery. Files that it fails by are those of the gallery: images are read before. */
  async function attempt<T>(name: string, work: () => Promise<T>, signal?: AbortSignal) {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw error;
      if (!isDoppelError(error) || !isOfGallery(error)) return { error: failureOf(error) as SearchFailure };
      log(`the gallery ${name} cannot be used: ${error.message}`);
      return { error: unavailable(error) };
    }
  }
  for (const { name, folder } of galleries) {
    const gallery = await Gallery.open(store, folder);
    const model = held.find(({ info }) => info.fingerprint === gallery.facts.model.fingerprint);
    if (!model) throw otherModel(name, gallery);
    requireSearchable(model);
    opened.set(name, { gallery, model, description: await describe(name, gallery) });
  }
  return {
    described: [...opened.values()].map(({ description }) => description),
    search: ({ gallery: name, image, k, bbox }, signal) =>
      attempt(
        name,
        async () => {
          const { gallery, model } = opened.get(name)!;
          const patch = await rasterOf(image, maxPixels).catch((error): { error: SearchFailure } => {
            return { error: failureOf(error) };
          });
          if ('error' in patch) return patch;
          return { places: await searchGallery(gallery, model, patch, { k, bbox, signal }) };
        },
        signal,
      ),
    picture: (name, tile) =>
      attempt(name, async () => ({ picture: (await tilePicture(opened.get(name)!.gallery, tile)) ?? null })),
  };
}

async function describe(name: string, { facts }: Gallery): Promise<GalleryDescription> {
  const { model, side, modality, scenes } = facts;
  const { tiles, metresPerPixel = null, bbox = null } = extentOf(facts);
  return {
    ...{ name, tiles, model: model.name, fingerprint: model.fingerprint, side, modality, metresPerPixel, bbox },
    digest: await sha256(new TextEncoder().encode(JSON.stringify(scenes))),
  };
}

const isOfGallery = (error: DoppelError): boolean =>
  error.tag === 'stale-cache' || ('file' in error && error.file !== undefined);

/** Failure of the gallery, without the server's paths. */
const unavailable = (error: Error & { tag: string }): SearchFailure => ({
  problem: 'gallery-unavailable',
  detail: `A scene of the gallery is missing or was changed (${error.tag}). The operator has to bring it back.`,
});

function otherModel(name: string, { facts }: Gallery): UsageError {
  const { name: model, fingerprint } = facts.model;
  return new UsageError({
    ...{
      action: `serve the gallery ${name}`,
      expected: `its model, ${model} (fingerprint ${fingerprint.slice(0, 12)})`,
    },
    ...{ found: 'other models', remedy: 'Name it by --model, too, or build the gallery again.' },
  });
}
