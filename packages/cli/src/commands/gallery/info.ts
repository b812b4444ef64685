/** `doppel gallery info`: what a gallery holds. */
import { extentOf, readGallery } from '@doppel/core/gallery';
import { command } from '../../command.ts';
import { GALLERY_WORD } from './gallery_model.ts';

export default command({
  name: 'doppel gallery info',
  words: { gallery: GALLERY_WORD },
  flags: {},
  examples: ['doppel gallery info runs/gallery', 'doppel gallery info runs/gallery --json'],
  async run({ args, context }) {
    const facts = await readGallery(context.store, args.gallery);
    const { modality, model, side, scenes } = facts;
    const { tiles, bbox, metresPerPixel } = extentOf(facts);
    const ground = bbox ? `, within ${bbox.map((each) => each.toFixed(4)).join(' ')} (west south east north)` : '';
    return {
      json: { folder: args.gallery, modality, model, side, tiles, bbox, metresPerPixel, scenes },
      text: [
        `${scenes.length} ${modality} scenes, ${tiles} tiles of ${side} × ${side} pixels${ground}`,
        `model ${model.name}, fingerprint ${model.fingerprint}`,
        ...scenes.map(({ file, width, height }) => `${file}  ${width} × ${height}`),
      ].join('\n'),
    };
  },
});
