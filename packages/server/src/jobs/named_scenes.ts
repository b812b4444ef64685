/**
 * Store in which the scenes of a job have the names that they came with, so that messages, reports and dates by the name of a
 * product are right, while their files are called as the server likes: a name never becomes a path.
 */
import type { FolderStore } from '@doppel/core/node';
import { SCENES, type SceneName } from './job.ts';

type Names = Readonly<Record<SceneName, string>>;

/** Path of a scene in the store. Both may have come with one name. */
export const sceneName = (scene: SceneName, names: Names): string => `${scene}/${names[scene]}`;

export function namedScenes(store: FolderStore, names: Names): FolderStore {
  const files = new Map(SCENES.map((scene) => [sceneName(scene, names), `${scene}.tif`]));
  const at = (path: string) => files.get(path) ?? path;
  return {
    read: (path) => store.read(at(path)),
    readRange: (path, offset, length) => store.readRange(at(path), offset, length),
    stat: (path) => store.stat(at(path)),
    realPath: async (path) => (await store.realPath?.(at(path))) ?? at(path),
    list: (path) => store.list(path),
    write: (path, bytes) => store.write(path, bytes),
    writeNew: (path, bytes) => store.writeNew(path, bytes),
    create: (path) => store.create(path),
    append: (path, text) => store.append(path, text),
    remove: (path) => store.remove(path),
    rename: (from, to) => store.rename(from, to),
  };
}

/** Longest name of a scene. */
const MAX_LENGTH = 120;

/** Name of an uploaded file as it may be shown: its last part, without what could be mistaken for more. */
export function shownName(given: string | undefined, scene: SceneName): string {
  const last = given?.split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replaceAll(/[\p{C}:*?"<>|]/gu, '_')
    .slice(0, MAX_LENGTH)
    .trim();
  return clean === '' || /^\.+$/.test(clean) ? `${scene}.tif` : clean;
}
