/** Scenes that a gallery is built of or tried with, as users name them: files, folders, patterns, or the list of a data set. */
import { folderOf, joinPath, nameOf, readText, type Store, UsageError } from '@doppel/core';
import { parseJson } from '@doppel/core/base';
import { SPLITS } from '@doppel/core/dataset';
import { FormatError } from '@doppel/core/errors';
import { glob, isDynamicPattern } from 'tinyglobby';
import { z } from 'zod';
import { text } from '../../flags.ts';
import { readProtocol } from '../data/protocol.ts';

const IMAGE = /\.(tiff?|png|jpe?g)$/i;

const OTHER_SCENES = 'patterns such as "scenes/**/*.tif", or the scenes.json of a data set';

/** Scenes as one word, for help. */
export const IMAGES_WORD = `a folder of images, ${OTHER_SCENES}`;

export const SCENE_WORD = z
  .array(z.string().min(1))
  .min(1)
  .meta({
    ...{ hint: 'scenes', isRepeated: true, expected: 'scenes' },
    description: `Images (GeoTIFF, PNG, JPEG), folders of them, ${OTHER_SCENES}`,
  });

export const SPLIT_FLAGS = {
  protocol: text('file', 'Protocol of a data set, of which --split names the scenes').optional(),
  split: z
    .enum(SPLITS)
    .optional()
    .meta({ description: 'Split of the protocol', expected: `one of ${SPLITS.join(', ')}` }),
};

interface Wanted {
  scenes: readonly string[];
  modality: 'sar' | 'optical';
  protocol?: string | undefined;
  split?: (typeof SPLITS)[number] | undefined;
}

/** Paths of the scenes, each once, in the order in which they are named. @throws UsageError if there are none. */
export async function listScenes(store: Store, { scenes, modality, protocol, split }: Wanted): Promise<string[]> {
  if ((protocol === undefined) !== (split === undefined)) {
    const found = protocol === undefined ? '--split alone' : '--protocol alone';
    throw new UsageError({ action: 'choose scenes', expected: '--protocol with --split', found });
  }
  const all = (await Promise.all(scenes.map((each) => scenesAt(store, each, modality)))).flat();
  const names = protocol === undefined ? undefined : new Set((await readProtocol(store, protocol)).split[split!]);
  const chosen = [...new Set(all)].filter((path) => !names || names.has(stemOf(path)));
  if (chosen.length > 0) return chosen;
  throw new UsageError({
    ...{ action: `find scenes in ${scenes.join(', ')}`, expected: 'GeoTIFF, PNG or JPEG files' },
    found: all.length > 0 ? `none of the split ${split} among ${all.length}` : 'none',
  });
}

/** Folder that scenes are named from: the one that is named, that of a file, or the part of a pattern without wild cards. */
export async function folderOfScenes(store: Store, path: string): Promise<string> {
  const info = await store.stat(path);
  if (info?.kind === 'folder') return path;
  if (info || !isDynamicPattern(path)) return folderOf(path);
  const parts = path.split('/');
  const fixed = parts.slice(
    0,
    parts.findIndex((part) => isDynamicPattern(part)),
  );
  return fixed.join('/') || (path.startsWith('/') ? '/' : '.');
}

const stemOf = (path: string) => nameOf(path).replace(/\.[^.]*$/, '');

async function scenesAt(store: Store, path: string, modality: string): Promise<string[]> {
  const info = await store.stat(path);
  if (info?.kind === 'folder') return imagesIn(store, path, modality);
  if (info) return nameOf(path) === 'scenes.json' ? scenesOfList(store, path, modality) : [path];
  if (isDynamicPattern(path)) return (await glob(path, { absolute: path.startsWith('/') })).sort();
  throw new UsageError({
    action: 'find scenes',
    expected: 'a file, a folder or a pattern',
    found: `nothing at ${path}`,
  });
}

/** Images of a folder, or of its folder of the sensor, as data sets have one. */
async function imagesIn(store: Store, folder: string, modality: string): Promise<string[]> {
  const names = await store.list(folder);
  const ofSensor = joinPath(folder, modality);
  if (names.includes(modality) && (await store.stat(ofSensor))?.kind === 'folder') {
    return imagesIn(store, ofSensor, modality);
  }
  return names.filter((name) => IMAGE.test(name)).map((name) => joinPath(folder, name));
}

const listSchema = z.array(z.looseObject({ scene: z.string().regex(/^[\w.-]+$/) }));

async function scenesOfList(store: Store, file: string, modality: string): Promise<string[]> {
  const fail = (found: string, cause?: unknown) =>
    new FormatError({ action: 'read', file, expected: '[{"scene": NAME}, …]', found, cause });
  const list = parseJson(listSchema, await readText(store, file), fail);
  return list.map(({ scene }) => joinPath(folderOf(file), modality, `${scene}.tif`));
}
