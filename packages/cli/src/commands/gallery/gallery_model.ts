/** The model of a gallery: the one that it names, unless another is given; searches check its fingerprint. */
import { MODELS, type Model, openModel } from '@doppel/core';
import { type GalleryFacts, readGallery, requireModel } from '@doppel/core/gallery';
import type { FileStore } from '@doppel/core/node';
import { text } from '../../flags.ts';

export const GALLERY_MODEL_FLAG = {
  model: text(
    'model',
    `Matcher that the gallery was built by, if its file was moved: ${MODELS.names().join(', ')}, or a checkpoint`,
  ).optional(),
};

export const GALLERY_WORD = text('folder', 'Folder of the gallery');

/** Opens the model of a gallery. @throws StaleCacheError if the gallery was built by another one. */
export async function withGalleryModel<T>(
  store: FileStore,
  folder: string,
  named: string | undefined,
  work: (model: Model, facts: GalleryFacts, name: string) => Promise<T>,
): Promise<T> {
  const facts = await readGallery(store, folder);
  const name = named ?? facts.model.name;
  const model = await openModel(store, name);
  try {
    requireModel(facts, model.info.fingerprint, folder);
    return await work(model, facts, name);
  } finally {
    model.dispose();
  }
}
