/** Galleries without scenes: a search finds as many places as it asks for, in a gallery of one scene. */
import type { FoundPlace } from '@doppel/core/gallery';
import type {
  GalleryDescription,
  GalleryService,
  SearchInput,
} from '../../../packages/server/src/gallery/gallery_service.ts';
import { Replaceable } from '../../../packages/server/src/scoring/replaceable.ts';

export const FAKE_GALLERY: GalleryDescription = {
  ...{ name: 'demo', tiles: 100, model: 'fake', fingerprint: 'f'.repeat(64), side: 64, modality: 'optical' },
  ...{ metresPerPixel: 10, bbox: [14, 48, 15, 49], digest: 'd'.repeat(64) },
};

const placeAt = (i: number): FoundPlace => ({
  ...{ rank: i + 1, score: -i, probability: 1 / (i + 2), similarity: 0.5, scene: 0, name: 'a.tif' },
  window: { column: 8 * i, row: 0, width: 64, height: 64 },
  corners: [
    [14, 49],
    [15, 49],
    [15, 48],
    [14, 48],
  ],
});

/** @param searched receives what is searched. */
export const fakeGalleries = (searched: SearchInput[] = []): Replaceable<GalleryService> =>
  new Replaceable<GalleryService>({
    ready: () => true,
    describe: () => [FAKE_GALLERY],
    async search(input) {
      searched.push(input);
      const { image, k } = input;
      if (image.kind === 'samples' && image.data[0] === 404) {
        return { error: { problem: 'gallery-unavailable', detail: 'A scene is missing.' } };
      }
      if (image.kind === 'file' && image.bytes.length === 0) {
        return { error: { problem: 'unusable-image', detail: 'Cannot use it.' } };
      }
      return { places: Array.from({ length: k }, (_, i) => placeAt(i)) };
    },
    picture: async (_, tile) => ({ picture: tile.startsWith('0-') ? new Uint8Array([1, 2, 3]) : null }),
  });
