/**
 * Files that belong together appear together: all are written beside their place first, then moved there. A full disk or
 * Ctrl-C half way leaves the older files as they were.
 */
import { joinPath } from '@doppel/core';
import type { FileStore } from './file_store.ts';

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

/** Finds out before long work, not after it, that a folder cannot be written. @throws FileError */
export async function ensureWritable(store: FileStore, folder: string): Promise<void> {
  const unfinished = unfinishedIn(folder);
  await store.write(joinPath(unfinished, 'started'), '');
  await store.remove(unfinished);
}

function unfinishedIn(folder: string): string {
  return joinPath(folder, `.unfinished-${process.pid}`);
}
