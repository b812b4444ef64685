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
  const unfinished = joinPath(folder, `.unfinished-${process.pid}`);
  try {
    for (const [name, content] of files) await store.write(joinPath(unfinished, name), content);
    for (const name of files.keys()) await store.rename(joinPath(unfinished, name), joinPath(folder, name));
  } finally {
    await store.remove(unfinished);
  }
}
