/** Example scenes of a server that runs in a checkout of the repository: a pair of the demo; elsewhere there are none. */
import { fileURLToPath } from 'node:url';
import { joinPath, type Store } from '@doppel/core';
import type { Example, Examples } from '../jobs/registrations.ts';

/** Folder of the demo, from this file in `src` or `dist`. */
const DEMO = fileURLToPath(new URL('../../../../data/demo', import.meta.url));

/** Examples by the name of their scene in the demo. */
const SHOWN: readonly (Example & { scene: string })[] = [
  { name: 'demo', title: 'Sentinel-1 and Sentinel-2, California, November 2020', scene: '201' },
];

/** @param folder of scenes: sar/NAME.tif and optical/NAME.tif. */
export async function openExamples(store: Store, folder = DEMO): Promise<Examples> {
  const pathOf = (scene: string, side: string) => joinPath(folder, side, `${scene}.tif`);
  const found = await Promise.all(
    SHOWN.map(async (example) => ((await store.stat(pathOf(example.scene, 'optical'))) ? [example] : [])),
  );
  const list = found.flat();
  return {
    list: list.map(({ name, title }) => ({ name, title })),
    async file(name, side) {
      const example = list.find((each) => each.name === name);
      if (!example) return undefined;
      const path = pathOf(example.scene, side);
      const info = await store.stat(path);
      return info && { name: `${side}.tif`, bytes: info.size, read: (at, length) => store.readRange(path, at, length) };
    },
  };
}
