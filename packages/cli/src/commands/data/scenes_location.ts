/** Location of scene files as a data set records it: relative, so that both can be moved together. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';

/**
 * Folder of the scenes relative to that of the data set. Links are followed, since `..` leads out of the folder that a
 * link names.
 *
 * @returns an absolute path where there is no relative one, as between drives.
 */
export async function locationOf(scenes: string, dataset: string): Promise<string> {
  const path = relative(await realOf(resolve(dataset)), await realOf(resolve(scenes)));
  return (isAbsolute(path) ? path : path || '.').replaceAll('\\', '/');
}

/** Real path of a folder of which a part need not exist yet. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return join(await realOf(dirname(path)), basename(path));
  }
}

/** Deepest folder that holds both files, as a prefix of their paths; "." where they share none. */
export function commonFolder(a: string, b: string): string {
  const [first, second] = [a, b].map((path) => dirname(path).split('/')) as [string[], string[]];
  const differs = first.findIndex((part, i) => part !== second[i]);
  const shared = differs < 0 ? first : first.slice(0, differs);
  return shared.length === 1 && shared[0] === '' ? '/' : shared.join('/') || '.';
}
