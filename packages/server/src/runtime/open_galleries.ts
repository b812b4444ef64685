/** Opens the galleries of the settings on a thread, and replaces them when the server loads its models again. */

import type { GalleryDescription } from '../gallery/gallery_service.ts';
import { GalleryThread } from '../gallery/gallery_thread.ts';
import type { ReloadedGallery } from '../routes/reload.ts';
import { Replaceable } from '../scoring/replaceable.ts';
import type { ServerSettings } from './flags.ts';
import type { ModelBytes, Successor } from './open_models.ts';

export interface OpenedGalleries {
  readonly holder: Replaceable<GalleryThread>;
  /** Resolves when they can be searched. @throws ServerError if one cannot be opened. */
  opened(): Promise<void>;
  /** Opens the galleries again, with other models. @throws ServerError if one does not open. */
  prepare(files: readonly ModelBytes[]): Promise<Successor>;
  /** Galleries after a reload, beside those before it. */
  reloaded(): ReloadedGallery[];
  close(): Promise<void>;
}

/** Starts to open the galleries; undefined where the settings name none. @param main program of the thread, for tests. */
export function openGalleries(
  { galleries: named, backend, limits }: ServerSettings,
  files: readonly ModelBytes[],
  log: (line: string) => void,
  main?: URL,
): OpenedGalleries | undefined {
  if (named.length === 0) return undefined;
  const galleries = named.map(({ name, file }) => ({ name, folder: file }));
  const open = (models: readonly ModelBytes[]) =>
    new GalleryThread({ galleries, models, backend, maxPixels: limits.maxPixels }, log, main);
  const holder = new Replaceable(open(files));
  let before: readonly GalleryDescription[] = []; // a reload comes after the start
  return {
    holder,
    opened: () => holder.value.opened,
    async prepare(models) {
      const thread = open(models);
      await thread.opened;
      return {
        take() {
          before = holder.value.describe();
          void holder.replace(thread).then((old) => old.close());
        },
        drop: () => thread.close(),
      };
    },
    reloaded: () =>
      holder.value.describe().map(({ name, tiles, digest }, i) => ({
        ...{ name, tiles, changed: digest !== before[i]?.digest },
      })),
    close: () => holder.value.close(),
  };
}
