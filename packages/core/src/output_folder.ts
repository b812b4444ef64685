/**
 * Output folder that appears as a whole or not at all: it is written beside its final path and renamed when all is done. A
 * full disk or Ctrl-C half way leaves what was there before.
 */
import { FileError, UsageError } from './errors.ts';
import type { Store } from './store.ts';

/** Store whose folders can be renamed. */
export interface FolderStore extends Store {
  /** Moves a file or folder to a name where nothing is. */
  rename(from: string, to: string): Promise<void>;
}

/** @throws UsageError if the folder holds something and is not to be replaced. */
export async function refuseFilled(store: Store, folder: string, force: boolean): Promise<void> {
  const info = await store.stat(folder);
  if (!info || (info.kind === 'folder' && (force || (await store.list(folder)).length === 0))) return;
  throw new UsageError({
    action: `write to ${folder}`,
    expected: 'a new or an empty folder',
    found: info.kind === 'file' ? 'a file' : 'a folder that holds files',
    remedy: info.kind === 'file' ? 'Name another folder.' : 'Name another folder, or replace it with --force.',
  });
}

/**
 * Writes a folder.
 *
 * @param write gets the folder's path until it is finished.
 * @throws what `write` throws, with the older folder as it was.
 */
export async function writeFolder<T>(
  store: FolderStore,
  folder: string,
  write: (unfinished: string) => Promise<T>,
): Promise<T> {
  const bare = folder.replace(/\/+$/, '');
  const own = crypto.randomUUID().slice(0, 8);
  const [unfinished, older] = [`${bare}.unfinished-${own}`, `${bare}.older-${own}`];
  try {
    await store.write(`${unfinished}/started`, ''); // a folder that cannot be written is found before the work
    await store.remove(`${unfinished}/started`);
    const result = await write(unfinished);
    await replace(store, { unfinished, folder: bare, older });
    return result;
  } catch (error) {
    await store.remove(unfinished).catch(() => {}); // the first error says what failed
    throw error;
  }
}

/** Tries to replace a folder that other processes replace at the same time; the last one wins. */
const TRIES = 5;

async function replace(store: FolderStore, folders: Folders): Promise<void> {
  for (let i = 1; ; i++) {
    try {
      return await replaceOnce(store, folders);
    } catch (error) {
      if (i === TRIES || !isRace(error) || !(await store.stat(folders.unfinished))) throw error;
    }
  }
}

interface Folders {
  unfinished: string;
  folder: string;
  older: string;
}

/** True if a folder came or went between a look and the rename. */
const isRace = (error: unknown) =>
  error instanceof FileError &&
  ['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error.cause as NodeJS.ErrnoException | undefined)?.code ?? '');

async function replaceOnce(store: FolderStore, { unfinished, folder, older }: Folders): Promise<void> {
  const isThere = (await store.stat(folder)) !== undefined;
  if (isThere) await store.rename(folder, older);
  try {
    await store.rename(unfinished, folder);
  } catch (error) {
    if (isThere && !(await store.stat(folder))) await store.rename(older, folder);
    if (isThere) await store.remove(older);
    throw error;
  }
  await store.remove(older);
}
