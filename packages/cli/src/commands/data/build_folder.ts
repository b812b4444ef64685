/**
 * Builds a data set under a temporary name beside its folder, then renames it. Ctrl-C, a full disk or a damaged file
 * half way leave nothing behind, and an older data set is unchanged.
 */
import { joinPath, UsageError } from '@doppel/core';

import type { FileStore } from '@doppel/core/node';

/** @throws UsageError if the folder holds something that must not be replaced. */
export async function buildFolder<T>(
  store: FileStore,
  folder: string,
  force: boolean,
  build: (unfinished: string) => Promise<T>,
): Promise<T> {
  const out = folder.replace(/(.)\/+$/, '$1');
  const before = await refuseOccupied(store, out, force);
  const [unfinished, replaced] = [`${out}.unfinished-${process.pid}`, `${out}.replaced-${process.pid}`];
  try {
    const result = await build(unfinished);
    if (before) await store.rename(out, replaced);
    try {
      await store.rename(unfinished, out);
    } catch (error) {
      if (before) await store.rename(replaced, out);
      else await refuseOccupied(store, out, false); // another import may have been quicker
      throw error;
    }
    return result;
  } finally {
    for (const left of [unfinished, replaced]) if (await store.stat(left)) await store.remove(left);
  }
}

/** True if there is a folder to replace. @throws UsageError if it must not be replaced. */
async function refuseOccupied(store: FileStore, folder: string, force: boolean): Promise<boolean> {
  const info = await store.stat(folder);
  if (!info) return false;
  const names = info.kind === 'folder' ? await store.list(folder) : [];
  if (info.kind === 'folder' && names.length === 0) return true;
  const isDataset = (await store.stat(joinPath(folder, 'pairs.jsonl'))) !== undefined;
  if (isDataset && force) return true;
  throw new UsageError({
    action: `make the data set ${folder}`,
    expected: 'a new or empty folder',
    found: info.kind === 'file' ? 'a file of that name' : isDataset ? 'a data set' : 'a folder with other files',
    remedy: isDataset ? 'Add --force to replace it, or choose another --out.' : 'Choose another --out.',
  });
}
