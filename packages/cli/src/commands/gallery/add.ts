/** `doppel gallery add`: embeds further scenes into a gallery. */

import { readGallery } from '@doppel/core/gallery';
import { command } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { buildScenes } from './build_scenes.ts';
import { GALLERY_MODEL_FLAG, GALLERY_WORD, withGalleryModel } from './gallery_model.ts';
import { BAND_FLAGS, bandsOf } from './sample_flags.ts';
import { listScenes, SCENE_WORD, SPLIT_FLAGS } from './scene_list.ts';

export default command({
  name: 'doppel gallery add',
  words: { gallery: GALLERY_WORD, scenes: SCENE_WORD },
  flags: { ...SPLIT_FLAGS, ...BAND_FLAGS, ...GALLERY_MODEL_FLAG, ...COMPUTE_FLAGS },
  examples: ['doppel gallery add runs/gallery new.tif', 'doppel gallery add runs/gallery "2026-11/*.tif" --json'],
  async run({ args, context }) {
    const { store } = context;
    const { modality: sensor } = await readGallery(store, args.gallery);
    const scenes = await listScenes(store, { ...args, modality: sensor });
    await context.selectBackend(args);
    return withGalleryModel(store, args.gallery, args.model, (model, facts) => {
      const {
        unit,
        model: { name: modelName },
      } = facts;
      const task = { scenes, out: args.gallery, model, modelName, sensor, unit, bands: bandsOf(args, sensor) };
      return buildScenes(context, task);
    });
  },
});
