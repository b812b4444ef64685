/** The work that `gallery build` and `gallery add` share. */
import { type BuildTask, buildGallery, Gallery } from '@doppel/core/gallery';
import type { Outcome } from '../../command.ts';
import type { Context } from '../../context.ts';

export async function buildScenes(context: Context, task: BuildTask): Promise<Outcome> {
  const { out } = task;
  const interrupted = {
    json: { out },
    text: `interrupted; finished scenes are in ${out}, and the same command goes on with the others`,
  };
  const begin = performance.now();
  const { embedded, kept } = await context.work({ label: 'embed', unit: 'scenes', interrupted }, (watch) =>
    buildGallery(context.store, task, {
      signal: watch.signal,
      onScene: (file, done, total) => watch.onProgress(done, total, file),
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  const gallery = await Gallery.open(context.store, out);
  const { facts } = gallery;
  const tiles = gallery.tiles().count;
  const before = kept > 0 ? `, ${kept} were there` : '';
  return {
    json: { out, scenes: facts.scenes.length, embedded, kept, tiles, model: facts.model, seconds },
    text: `${embedded} scenes embedded${before}: ${facts.scenes.length} scenes with ${tiles} tiles of ${facts.side} × ${facts.side} pixels in ${out}`,
  };
}
