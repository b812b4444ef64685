/** `doppel gallery build`: embeds scenes, in which patches of the other sensor are then searched. */
import { openModel } from '@doppel/core';
import { UNITS } from '@doppel/core/raster';
import { command } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { buildScenes } from './build_scenes.ts';
import { BAND_FLAGS, bandsOf } from './sample_flags.ts';
import { listScenes, SCENE_WORD, SPLIT_FLAGS } from './scene_list.ts';

export default command({
  name: 'doppel gallery build',
  words: { scenes: SCENE_WORD },
  flags: {
    out: text('folder', 'Folder of the gallery; scenes that it holds already are not embedded again'),
    modality: choice(['optical', 'sar'], 'Sensor of the scenes; patches of the other one are searched in them').default(
      'optical',
    ),
    ...SPLIT_FLAGS,
    unit: choice(UNITS, 'Unit of the samples, where the files do not say it').optional(),
    ...BAND_FLAGS,
    ...MODEL_FLAG,
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel gallery build data/demo --out runs/gallery',
    'doppel gallery build "scenes/**/*.tif" --optical-bands 4,3,2 --out runs/gallery',
    'doppel gallery build data/demo/scenes.json --protocol data/demo/protocol.json --split test --out runs/gallery',
  ],
  async run({ args, context }) {
    const { store } = context;
    const { out, modality: sensor, unit, model: modelName } = args;
    const scenes = await listScenes(store, args);
    await context.selectBackend(args);
    const model = await openModel(store, modelName);
    try {
      const task = { scenes, out, model, modelName, sensor, unit, bands: bandsOf(args, sensor) };
      return await buildScenes(context, task);
    } finally {
      model.dispose();
    }
  },
});
