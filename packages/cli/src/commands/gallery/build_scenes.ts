/** The work that `gallery build` and `gallery add` share. */
import { type BuildTask, buildGallery, extentOf } from '@doppel/core/gallery';
import type { Outcome } from '../../command.ts';
import type { Context } from '../../context.ts';

export async function buildScenes(context: Context, task: BuildTask): Promise<Outcome> {
  const { out } = task;
  const interrupted = {
    json: { out },
    text: `interrupted; finished scenes are in ${out}, and the same command goes on with the others`,
  };
  const begin = performance.now();
  const { gallery, embedded, kept } = await context.work({ label: 'embed', unit: 'scenes', interrupted }, (watch) =>
    buildGallery(context.store, task, {
      signal: watch.signal,
      onScene: (file, done, total) => watch.onProgress(done, total, file),
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  const { scenes, side, model } = gallery;
  const { tiles } = extentOf(gallery);
  const before = kept > 0 ? `, ${kept} were there` : '';
  return {
    json: { out, scenes: scenes.length, embedded, kept, tiles, model, seconds },
    text: `${embedded} scenes embedded${before}: ${scenes.length} scenes with ${tiles} tiles of ${side} × ${side} pixels in ${out}`,
  };
}
