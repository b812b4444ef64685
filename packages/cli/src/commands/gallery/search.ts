/** `doppel gallery search`: the places of a gallery that a patch may show. */

import { UsageError } from '@doppel/core/errors';
import { type Bounds, Gallery, middleOf, placesGeojson, searchGallery } from '@doppel/core/gallery';
import { UNITS } from '@doppel/core/raster';
import { z } from 'zod';
import { command } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text, whole } from '../../flags.ts';
import { readPatch } from '../../read_patch.ts';
import { GALLERY_MODEL_FLAG, GALLERY_WORD, withGalleryModel } from './gallery_model.ts';

export default command({
  name: 'doppel gallery search',
  words: { gallery: GALLERY_WORD },
  flags: {
    sar: text('file', 'SAR patch, searched in a gallery of optical scenes').optional(),
    optical: text('file', 'Optical patch, searched in a gallery of SAR scenes').optional(),
    k: whole(1, 'Places to find').default(10),
    bbox: z
      .array(z.number())
      .length(4)
      .optional()
      .meta({
        ...{ hint: 'w,s,e,n', expected: 'west, south, east and north in degrees' },
        description: 'Finds places whose middle lies inside of these degrees: west,south,east,north',
      }),
    shortlist: whole(1, 'Tiles that are looked at by pixels; default: 50, or 2 · k if that is more').optional(),
    unit: choice(UNITS, 'Unit of the samples of a SAR patch, where its file does not say it').optional(),
    crop: choice(['centre'], 'Take this part of an image that is larger than the model').optional(),
    geojson: text('file', 'File of the places as GeoJSON').optional(),
    ...GALLERY_MODEL_FLAG,
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel gallery search runs/gallery --sar patch.tif',
    'doppel gallery search runs/gallery --sar patch.tif --k 3 --json',
    'doppel gallery search runs/gallery --sar patch.tif --bbox=-118.6,33.5,-117.9,34.1 --geojson places.geojson',
  ],
  async run({ args, context }) {
    const { store } = context;
    await context.selectBackend(args);
    return withGalleryModel(store, args.gallery, args.model, async (model, facts) => {
      const patch = await readPatch(store, patchFile(args, facts.modality), model.info, args.crop, args.unit);
      const gallery = await Gallery.open(store, args.gallery);
      try {
        const { k, shortlist } = args;
        const bbox = args.bbox as Bounds | undefined;
        const begin = performance.now();
        const places = await context.work({ label: 'search', unit: 'places' }, ({ signal }) =>
          searchGallery(gallery, model, patch, { k, bbox, shortlist, signal }),
        );
        const seconds = (performance.now() - begin) / 1000;
        const geojson = placesGeojson(places);
        if (args.geojson) await store.write(args.geojson, `${JSON.stringify(geojson)}\n`);
        const tiles = gallery.tiles(patch.width).count;
        return {
          json: { gallery: args.gallery, tiles, seconds, places: geojson.features.map((each) => rowOf(each)) },
          text: [
            `${places.length} places of ${tiles} tiles, in ${seconds.toFixed(2)} s${args.geojson ? `, in ${args.geojson}` : ''}`,
            ...places.map(({ rank, probability, name, window, corners }) => {
              const [longitude, latitude] = corners ? middleOf(corners) : [];
              const ground = corners ? `  ${latitude!.toFixed(5)}, ${longitude!.toFixed(5)}` : '';
              return `${String(rank).padStart(3)}  ${probability.toFixed(3)}  ${name} at ${window.column}, ${window.row}${ground}`;
            }),
          ].join('\n'),
        };
      } finally {
        await gallery.close();
      }
    });
  },
});

/** Patch of the sensor that the gallery does not hold. @throws UsageError unless it is given alone. */
function patchFile(
  { sar, optical }: { sar?: string | undefined; optical?: string | undefined },
  modality: 'sar' | 'optical',
): string {
  const [wanted, other, flag] = modality === 'optical' ? [sar, optical, '--sar'] : [optical, sar, '--optical'];
  if (wanted !== undefined && other === undefined) return wanted;
  const found = wanted === undefined ? (other === undefined ? 'no patch' : 'one of the gallery’s own sensor') : 'both';
  throw new UsageError({ action: `search a gallery of ${modality} scenes`, expected: `${flag} PATCH`, found });
}

type Features = ReturnType<typeof placesGeojson>['features'];

const rowOf = ({ geometry, properties }: Features[number]) => ({
  ...properties,
  footprint: geometry?.coordinates[0]?.slice(0, 4) ?? null,
});
