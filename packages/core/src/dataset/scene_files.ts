/**
 * Files of scenes that a list of pairs refers to. They may lie outside of the data set's folder: `location.json` says
 * where, relative to it, and can be changed without touching the list.
 *
 *     {"doppel":"location","version":1,"scenes":"../../sentinel"}
 *
 * A list comes from anywhere, so it must not reach other files: a file is used only if its size and SHA-256 are those of
 * the list, and paths stay inside the folder of the scenes.
 */
import { z } from 'zod';
import { hashFile } from '../base/hash_file.ts';
import { parseJson } from '../base/parse_json.ts';
import { FileError, FormatError } from '../errors.ts';
import { COMPANIONS } from '../raster/sidecars.ts';
import { joinPath, readText, type Store } from '../store.ts';
import type { SceneEntry, SceneFileEntry } from './scene_list.ts';

export const LOCATION_FILE = 'location.json';

const locationSchema = z.strictObject({
  doppel: z.literal('location'),
  version: z.literal(1),
  /** Folder of the scenes, relative to that of the data set, or absolute. */
  scenes: z.string().min(1),
});

/** Folder of the scenes of a data set: that of `location.json`, else the data set's own. @throws FormatError */
export async function scenesFolder(store: Store, folder: string): Promise<string> {
  const file = joinPath(folder, LOCATION_FILE);
  if (!(await store.stat(file))) return folder;
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read', file, expected: '{"doppel":"location","version":1,"scenes":FOLDER}', found, cause },
      remedy: `Write it again: \`doppel data locate ${folder} --scenes FOLDER\`.`,
    });
  const { scenes } = parseJson(locationSchema, await readText(store, file), fail);
  return joinPath(folder, scenes);
}

/** Writes where the scenes of a data set lie. @param scenes folder relative to that of the data set, or absolute. */
export function writeLocation(store: Store, folder: string, scenes: string): Promise<void> {
  const location: z.infer<typeof locationSchema> = { doppel: 'location', version: 1, scenes };
  return store.write(joinPath(folder, LOCATION_FILE), `${JSON.stringify(location)}\n`);
}

/** Size and hashes of a scene file and of its companions, as a list records them. */
export async function describeSceneFile(
  store: Store,
  path: string,
): Promise<Pick<SceneFileEntry, 'bytes' | 'sha256' | 'companions'>> {
  const hashOf = async (file: string) => {
    const info = await store.stat(file);
    return info?.kind === 'file' ? { bytes: info.size, sha256: await hashFile(store, file, info.size) } : undefined;
  };
  const own = await hashOf(path);
  if (!own) throw new FileError({ action: 'read', file: path, expected: 'a scene', found: 'nothing' });
  const companions: NonNullable<SceneFileEntry['companions']> = {};
  for (const ending of COMPANIONS) {
    const beside = await hashOf(`${path}${ending}`);
    if (beside) companions[ending] = beside.sha256;
  }
  return { ...own, ...(Object.keys(companions).length > 0 && { companions }) };
}

const CHECKS_AT_ONCE = 8;

/**
 * Checks that the files of scenes are those of the list.
 *
 * @param root folder of the scenes. @param folder of the data set, for messages.
 * @throws FileError where one is missing. @throws FormatError where one is another file.
 */
export async function requireSceneFiles(
  store: Store,
  scenes: readonly SceneEntry[],
  root: string,
  folder: string,
): Promise<void> {
  const files = new Map(scenes.flatMap(({ sar, optical }) => [sar, optical]).map((file) => [file.file, file]));
  const entries = files.values();
  const worker = async () => {
    for (const file of entries) await requireSceneFile(store, file, root, folder);
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, worker));
}

async function requireSceneFile(store: Store, entry: SceneFileEntry, root: string, folder: string): Promise<void> {
  const path = joinPath(root, entry.file);
  const info = await store.stat(path);
  if (info?.kind !== 'file') throw noScene(path, folder);
  if (info.size !== entry.bytes) throw otherScene(path, `${entry.bytes} bytes`, `${info.size}`);
  await requireHash(store, path, info.size, entry.sha256);
  for (const [ending, hash] of Object.entries(entry.companions ?? {})) {
    const beside = await store.stat(`${path}${ending}`);
    if (beside?.kind !== 'file') throw noScene(`${path}${ending}`, folder);
    await requireHash(store, `${path}${ending}`, beside.size, hash);
  }
}

async function requireHash(store: Store, path: string, bytes: number, expected: string): Promise<void> {
  const found = await hashFile(store, path, bytes);
  if (found !== expected) throw otherScene(path, `SHA-256 ${expected.slice(0, 12)}…`, `${found.slice(0, 12)}…`);
}

const noScene = (file: string, folder: string) =>
  new FileError({
    ...{
      action: 'read the scene',
      file,
      expected: `the file that the data set ${folder} was made of`,
      found: 'nothing',
    },
    remedy: `If the scenes were moved, say where they are: \`doppel data locate ${folder} --scenes FOLDER\`.`,
  });

const otherScene = (file: string, expected: string, found: string) =>
  new FormatError({
    ...{ action: 'use the scene', file, expected: `${expected}, as of the file that the data set was made of`, found },
    remedy: 'The file has changed or is another one: restore it, or import the scenes again.',
  });
