/** Cells of scenes; an item is a scene, and the merged result a gallery in which patches of the other sensor are searched. */
import { resolve } from 'node:path';
import { folderOf, joinPath, nameOf, openModel, type Store } from '@doppel/core';
import { selectBackend } from '@doppel/core/backends';
import type { BatchItem, PlannedItem, Worker } from '@doppel/core/batch';
import {
  collectGallery,
  embedSceneFile,
  extentOf,
  GALLERY_FILE,
  type GalleryScene,
  gallerySceneSchema,
  requireSearchable,
} from '@doppel/core/gallery';
import { UNITS } from '@doppel/core/raster';
import { z } from 'zod';
import { BAND_FLAGS, bandsOf } from '../../commands/gallery/sample_flags.ts';
import { folderOfScenes, IMAGES_WORD, listScenes } from '../../commands/gallery/scene_list.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text } from '../../flags.ts';
import { idSchema, type RowKind, readRows, slashed } from '../../manifest.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { isStac, stacItems } from '../../stac_items.ts';
import { type MergedResults, modelFingerprint, requireModel, settledModel, workKind } from '../kind.ts';
import { within } from '../within.ts';

const flags = {
  modality: choice(['optical', 'sar'], 'Sensor of the scenes; patches of the other one are searched in them').default(
    'optical',
  ),
  asset: text('name', 'Asset of a STAC item that is the scene; default: the name of the sensor').optional(),
  unit: choice(UNITS, 'Unit of the samples, where the files do not say it').optional(),
  ...BAND_FLAGS,
  ...MODEL_FLAG,
  precision: COMPUTE_FLAGS.precision,
};

export const embedKind = workKind({
  name: 'embed',
  description: 'Cells of scenes for a gallery, a scene an item',
  manifest: `CSV or JSON lines with scene and, if wanted, id; a STAC collection, item collection or item; or ${IMAGES_WORD}`,
  flags,
  examples: [
    'doppel batch plan embed data/demo --out runs/gallery',
    'doppel batch plan embed scenes.csv --out runs/gallery --optical-bands 4,3,2',
    'doppel batch plan embed collection.json --asset visual --out runs/gallery',
  ],
  root: async (manifest, store) => resolve(await folderOfScenes(store, manifest)),
  settle: (settings) => ({ ...settings, model: settledModel(settings.model) }),
  tools: async (store, { model }) => ({ model: await modelFingerprint(store, model) }),
  async *items({ store, manifest, root, settings }) {
    await selectBackend({ requested: 'cpu' }); // nothing is computed yet
    const model = await openModel(store, settings.model);
    try {
      requireSearchable(model);
    } finally {
      model.dispose();
    }
    for await (const { id, path } of scenesOf(store, manifest, settings)) {
      yield { id: id ?? nameOf(path), files: [within(root, path)] } satisfies BatchItem;
    }
  },
  async open({ context, settings, compute, tools, root, results }): Promise<Worker> {
    const { store } = context;
    const { modality: sensor, unit, precision } = settings;
    await context.selectBackend({ ...compute, precision });
    const model = await openModel(store, settings.model);
    try {
      requireModel(model.info.fingerprint, tools, settings.model);
      requireSearchable(model);
    } catch (error) {
      model.dispose();
      throw error;
    }
    const task = { out: results, model, sensor, unit, bands: bandsOf(settings, sensor) };
    return {
      async run(item, signal) {
        const scene = await embedSceneFile(store, task, joinPath(root, sceneOf(item)), { signal });
        return { rows: [{ id: item.id, ...scene, file: sceneOf(item) }] };
      },
      failedRows: (item, error) => [{ id: item.id, file: sceneOf(item), error }],
      close: () => model.dispose(),
    };
  },
  merged: [{ name: 'scenes.jsonl' }],
  async finish({ context, settings, compute, tools, root }, results) {
    const { store } = context;
    const { out } = results;
    const { modality: sensor, unit, precision, model: modelName } = settings;
    const scenes = embeddedIn(results).map((scene) => ({ ...scene, file: joinPath(root, scene.file) }));
    await context.selectBackend({ ...compute, precision });
    const model = await openModel(store, modelName);
    try {
      requireModel(model.info.fingerprint, tools, modelName);
      const gallery = await collectGallery(store, { out, model, modelName, sensor, unit }, scenes, {
        from: results.roots,
      });
      const { tiles } = extentOf(gallery);
      return {
        files: [joinPath(out, GALLERY_FILE)],
        text: `${gallery.scenes.length} scenes with ${tiles} tiles; next: doppel gallery search ${out} --${sensor === 'sar' ? 'optical' : 'sar'} PATCH`,
      };
    } finally {
      model.dispose();
    }
  },
});

const sceneOf = ({ files }: PlannedItem): string => files[0]!;

const SCENE_ROWS: RowKind<{ scene: string; id?: string | undefined }> = {
  schema: z.object({ scene: z.string().min(1), id: idSchema }),
  required: ['scene'],
  columns: ['scene', 'id'],
  expected: 'the path "scene"',
};

async function* scenesOf(
  store: Store,
  manifest: string,
  { modality, asset = modality }: { modality: 'sar' | 'optical'; asset?: string | undefined },
): AsyncGenerator<{ id?: string | undefined; path: string }> {
  if (/\.(jsonl|csv|tsv)$/i.test(manifest)) {
    for await (const { row } of readRows(store, manifest, SCENE_ROWS)) {
      yield { id: row.id, path: joinPath(folderOf(manifest), slashed(row.scene)) };
    }
  } else if (isStac(manifest) && nameOf(manifest) !== 'scenes.json') {
    for await (const item of stacItems(store, manifest)) yield { id: item.id, path: item.pathOf(asset, '--asset') };
  } else {
    for (const path of await listScenes(store, { scenes: [manifest], modality })) yield { path };
  }
}

/** Scenes that were embedded; rows of the others say why they were not. */
const embeddedIn = ({ rows }: MergedResults): GalleryScene[] =>
  (rows as { id: string; error?: string }[]).flatMap(({ id: _, error, ...scene }) =>
    error === undefined ? [gallerySceneSchema.parse(scene)] : [],
  );
