/** The flag `--keys` of commands on keys, and the file that it names. */
import { FileError } from '@doppel/core/errors';
import { type Key, readKeys } from '@doppel/server/node';
import type { Context } from '../../context.ts';
import { text } from '../../flags.ts';

export const KEYS_FLAG = { keys: text('file', 'File of keys, as `doppel serve --keys` reads it').default('keys.json') };

/** Keys of a file; none if there is no such file yet. @throws FileError, FormatError */
export async function keysIn(context: Context, file: string): Promise<Key[]> {
  return (await context.store.stat(file)) ? readKeys(file) : [];
}

/** @throws FileError if there is no such file. */
export async function presentKeys(context: Context, file: string): Promise<Key[]> {
  if (await context.store.stat(file)) return readKeys(file);
  const remedy = 'Name another by --keys, or make a key: `doppel serve keys add NAME --scope match`.';
  throw new FileError({ action: 'read the keys', file, found: 'nothing there', remedy });
}
