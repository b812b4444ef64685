/** `doppel gallery evaluate`: how often search finds the places of patches whose ground the gallery holds. */
import { evaluateGallery, Gallery, otherSensor, readGallery } from '@doppel/core/gallery';
import { UNITS } from '@doppel/core/raster';
import { command } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, number, whole, yes } from '../../flags.ts';
import { GALLERY_MODEL_FLAG, GALLERY_WORD, withGalleryModel } from './gallery_model.ts';
import { listScenes, SCENE_WORD, SPLIT_FLAGS } from './scene_list.ts';

export default command({
  name: 'doppel gallery evaluate',
  words: { gallery: GALLERY_WORD, scenes: SCENE_WORD },
  flags: {
    patches: whole(1, 'Patches of each scene, at random pixels').default(20),
    side: whole(32, 'Patch side in pixels; default: that of the gallery').optional(),
    tolerance: number('Pixels between a place and the patch up to which it counts as found', 0).default(8),
    shortlist: whole(1, 'Tiles that are looked at by pixels').default(50),
    seed: whole(0, 'Seed of the patches').default(1),
    unit: choice(UNITS, 'Unit of the samples, where the files do not say it').optional(),
    pooled: yes('Measure one pooled vector of 128 numbers for each tile, too'),
    ...SPLIT_FLAGS,
    ...GALLERY_MODEL_FLAG,
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel gallery evaluate runs/gallery data/demo',
    'doppel gallery evaluate runs/gallery data/demo --protocol data/demo/protocol.json --split test --json',
  ],
  async run({ args, context }) {
    const { store } = context;
    const { modality: held } = await readGallery(store, args.gallery);
    const scenes = await listScenes(store, { ...args, modality: otherSensor(held) });
    await context.selectBackend(args);
    return withGalleryModel(store, args.gallery, args.model, async (model) => {
      const gallery = await Gallery.open(store, args.gallery);
      try {
        const result = await context.work({ label: 'evaluate', unit: 'patches' }, (watch) =>
          evaluateGallery(store, gallery, model, { ...args, scenes }, watch),
        );
        const { patches, tiles, side, tolerance, recall, tileRecall, pooled, medianDistance, seconds } = result;
        return {
          json: result,
          text: [
            `${patches} patches of ${side} × ${side} pixels in ${tiles} tiles, found within ${tolerance} pixels`,
            `places       ${percents(recall)}; median distance ${medianDistance?.toFixed(1) ?? '–'} pixels`,
            `tiles alone  ${percents(tileRecall)}`,
            ...(pooled
              ? [
                  `pooled       ${percents(pooled.recall)} of ${pooled.tiles}, within ${pooled.tolerance.toFixed(0)} pixels`,
                ]
              : []),
            `${seconds.toFixed(2)} s a search`,
          ].join('\n'),
        };
      } finally {
        await gallery.close();
      }
    });
  },
});

const percents = (recall: Record<string, number>) =>
  Object.entries(recall)
    .map(([k, share]) => `recall@${k} ${(100 * share).toFixed(1)} %`)
    .join(', ');
