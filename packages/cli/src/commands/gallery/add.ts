/** `doppel gallery add`: embeds further scenes into a gallery. */

import { readGallery } from '@doppel/core/gallery';
import { UNITS } from '@doppel/core/raster';
import { command } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { buildScenes } from './build_scenes.ts';
import { GALLERY_MODEL_FLAG, GALLERY_WORD, withGalleryModel } from './gallery_model.ts';
import { bandsFrom, SAMPLE_FLAGS } from './sample_flags.ts';
import { listScenes, SCENE_WORD, SPLIT_FLAGS } from './scene_list.ts';

const { unit: _, ...BANDS } = SAMPLE_FLAGS;

export default command({
  name: 'doppel gallery add',
  words: { gallery: GALLERY_WORD, scenes: SCENE_WORD },
  flags: { ...SPLIT_FLAGS, ...BANDS, ...GALLERY_MODEL_FLAG, ...COMPUTE_FLAGS },
  examples: ['doppel gallery add runs/gallery new.tif', 'doppel gallery add runs/gallery "2026-11/*.tif" --json'],
  async run({ args, context }) {
    const { store } = context;
    const { modality: sensor } = await readGallery(store, args.gallery);
    const scenes = await listScenes(store, { ...args, modality: sensor });
    await context.selectBackend(args);
    return withGalleryModel(store, args.gallery, args.model, (model, facts) => {
      const unit = UNITS.find((each) => each === facts.unit);
      const bands = bandsFrom(args, sensor);
      return buildScenes(context, {
        ...{ scenes, out: args.gallery, model, modelName: facts.model.name, sensor, unit, bands },
      });
    });
  },
});
