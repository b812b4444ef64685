/** `doppel data locate`: says where the scenes of a data set of windows lie now. */
import { joinPath, readText, UsageError } from '@doppel/core';
import { PAIRS_FILE, parsePairs, requireSceneFiles, writeLocation } from '@doppel/core/dataset';
import { command } from '../../command.ts';
import { text } from '../../flags.ts';
import { locationOf } from './scenes_location.ts';

export default command({
  name: 'doppel data locate',
  words: { folder: text('folder', 'Folder of the data set') },
  flags: { scenes: text('folder', 'Folder of the scenes') },
  examples: ['doppel data locate runs/data --scenes /mnt/scenes'],
  async run({ args, context }) {
    const { store } = context;
    const { folder, scenes } = args;
    const file = joinPath(folder, PAIRS_FILE);
    const { header } = parsePairs(await readText(store, file), file);
    if (header.version === 1) {
      throw new UsageError({
        ...{ action: `say where the scenes of ${folder} lie`, expected: 'a data set of windows (version 2)' },
        found: 'one of image files, which lie inside',
      });
    }
    await requireSceneFiles(store, header.scenes, scenes, folder);
    const location = await locationOf(scenes, folder);
    await writeLocation(store, folder, location);
    return {
      json: { folder, scenes: location, count: header.scenes.length },
      text: `${header.scenes.length} scenes in ${location}`,
    };
  },
});
