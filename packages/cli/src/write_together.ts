/**
 * Writes files that belong together, all or none: each is written beside its final path, then all are renamed. A full
 * disk or Ctrl-C half way leaves the older files unchanged.
 */
import { joinPath } from '@doppel/core';
import type { FileStore } from '@doppel/core/node';

/** @param files content by path inside the folder. @throws FileError, with the folder as it was. */
export async function writeTogether(
  store: FileStore,
  folder: string,
  files: ReadonlyMap<string, Uint8Array | string>,
): Promise<void> {
  const unfinished = unfinishedIn(folder);
  try {
    for (const [name, content] of files) await store.write(joinPath(unfinished, name), content);
    for (const name of files.keys()) await store.rename(joinPath(unfinished, name), joinPath(folder, name));
  } finally {
    await store.remove(unfinished);
  }
}

/** Checks before long work that a folder can be written. @throws FileError */
export async function ensureWritable(store: FileStore, folder: string): Promise<void> {
  const unfinished = unfinishedIn(folder);
  await store.write(joinPath(unfinished, 'started'), '');
  await store.remove(unfinished);
}

function unfinishedIn(folder: string): string {
  return joinPath(folder, `.unfinished-${process.pid}`);
}
