/** Folder of results about a network, where none is given. */
import { folderOf, joinPath, nameOf } from '@doppel/core';

/**
 * Folder in the run if the checkpoint belongs to one, else beside the checkpoint; of a network in the box, under `runs`.
 *
 * @param box networks that have names. @param results name of the folder.
 */
export function resultFolder(box: { has(name: string): boolean }, file: string, results: string): string {
  if (box.has(file)) return joinPath('runs', file, results);
  const folder = folderOf(file);
  return joinPath(nameOf(folder) === 'checkpoints' ? folderOf(folder) : folder, results);
}
