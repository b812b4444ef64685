/** The file of keys: JSON, made for its owner only, written whole or not at all, read again when it has changed. */
import { randomUUID } from 'node:crypto';
import { chmod, chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { FileError, FormatError, reasonOf } from '@doppel/core/errors';
import { z } from 'zod';
import { foundBySchema } from '../schema_error.ts';
import { type Key, keySchema } from './keys.ts';

const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(keySchema) });

/** Keys of a file. @throws FileError if it cannot be read. @throws FormatError if it is not a file of keys. */
export async function readKeys(file: string): Promise<Key[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    const remedy = 'Make one: `doppel serve keys add NAME --scope match`.';
    throw new FileError({ action: 'read the keys', file, found: reasonOf(cause), remedy, cause });
  });
  try {
    return fileSchema.parse(JSON.parse(text)).keys;
  } catch (cause) {
    const found = cause instanceof z.ZodError ? foundBySchema(cause) : reasonOf(cause);
    throw new FormatError({ action: 'read the keys', file, expected: 'a file of keys', found, cause });
  }
}

/**
 * Replaces the file, or makes one that only its owner reads. One that is there keeps its owner and its mode, so that a
 * server that runs as another user can still read it.
 *
 * @throws FileError if it cannot be written.
 */
export async function writeKeys(file: string, keys: readonly Key[]): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, `${JSON.stringify({ version: 1, keys }, null, 2)}\n`, { mode: 0o600 });
    await takeAfter(draft, file);
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new FileError({ action: 'write the keys', file, found: reasonOf(cause), cause });
  }
}

/** Gives a draft the owner and the mode of the file that it is to replace, if there is one. */
async function takeAfter(draft: string, file: string): Promise<void> {
  const before = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
  });
  if (!before) return;
  const { uid, gid } = await stat(draft);
  if (uid !== before.uid || gid !== before.gid) await chown(draft, before.uid, before.gid);
  await chmod(draft, before.mode & 0o777);
}

/** Milliseconds after which the file is looked at again. */
const LOOK_MS = 500;

/** Keys of a file that may change. A file that has become unreadable leaves the last keys in force. */
export class KeysFile {
  readonly #file: string;
  readonly #log: (line: string) => void;
  #keys: readonly Key[];
  #stamp: string;
  #looked = performance.now();

  private constructor(file: string, keys: readonly Key[], stamp: string, log: (line: string) => void) {
    this.#file = file;
    this.#keys = keys;
    this.#stamp = stamp;
    this.#log = log;
  }

  /** @throws as `readKeys`. */
  static async open(file: string, log: (line: string) => void): Promise<KeysFile> {
    const stamp = await stampOf(file); // before it is read: a later change must be seen
    return new KeysFile(file, await readKeys(file), stamp, log);
  }

  /** Keys as the file has them now, or had them half a second ago. */
  async keys(): Promise<readonly Key[]> {
    if (performance.now() - this.#looked < LOOK_MS) return this.#keys;
    this.#looked = performance.now();
    const stamp = await stampOf(this.#file);
    if (stamp === this.#stamp) return this.#keys;
    this.#stamp = stamp;
    try {
      this.#keys = await readKeys(this.#file);
      this.#log(`read the keys again: ${this.#keys.map(({ name }) => name).join(', ') || 'none'}`);
    } catch (error) {
      this.#log(`the last keys stay in force: ${reasonOf(error)}`);
    }
    return this.#keys;
  }
}

/** Text that changes with the file; empty if there is none. */
const stampOf = (file: string): Promise<string> =>
  stat(file, { bigint: true }).then(
    ({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(), // a copy may keep mtime, not ctime
    () => '',
  );
