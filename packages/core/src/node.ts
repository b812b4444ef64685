/**
 * The store over the file system of Node and Deno: the one entry of core that needs their APIs. System errors become
 * `FileError`s that say what to do.
 *
 * @module
 * @example
 * ```ts
 * import { FileStore } from '@doppel/core/node';
 *
 * const store = new FileStore();
 * console.log((await store.stat('best.safetensors'))?.kind); // file
 * ```
 */
import { randomUUID } from 'node:crypto';
import { constants, writeFileSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError } from './errors.ts';
import type { FolderStore } from './output_folder.ts';
import type { FileInfo, FileWriter } from './store.ts';

export { type FolderStore, refuseFilled, writeFolder } from './output_folder.ts';

const REMEDIES: Record<string, { found: string; remedy?: string }> = {
  ENOENT: { found: 'nothing there', remedy: 'Check the path.' },
  ENOTDIR: { found: 'a file where a folder should be', remedy: 'Check the path.' },
  EEXIST: { found: 'a file where a folder should be', remedy: 'Check the path.' }, // of making a folder
  EISDIR: { found: 'a folder', remedy: 'Name a file inside it.' },
  EACCES: { found: 'no permission', remedy: 'Check the permissions, or choose another place.' },
  EPERM: { found: 'no permission', remedy: 'Check the permissions, or choose another place.' },
  EROFS: { found: 'a read-only file system', remedy: 'Choose another place.' },
  ENOSPC: { found: 'a full disk', remedy: 'Free some space and run the command again; finished files are complete.' },
  EDQUOT: { found: 'a full quota', remedy: 'Free some space and run the command again; finished files are complete.' },
  ENAMETOOLONG: { found: 'a name that is too long', remedy: 'Choose a shorter name.' },
  EMFILE: { found: 'too many open files', remedy: 'Raise the limit (`ulimit -n`).' },
};

function fileError(action: string, file: string, cause: unknown): FileError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  const { found, remedy } = REMEDIES[code] ?? { found: cause instanceof Error ? cause.message : String(cause) };
  return new FileError({ action, file, found, cause, ...(remedy && { remedy }) });
}

async function attempt<T>(action: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    throw fileError(action, file, cause);
  }
}

/** Makes a folder and its parents, one by one: Node's `recursive` never ends in file systems such as /proc. */
async function makeFolder(path: string): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory()) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  try {
    await mkdir(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST' && !info) return; // made by another process meanwhile
    if (code !== 'ENOENT') throw cause;
    const found = 'a file system that takes no folders';
    throw new FileError({ action: 'make the folder', file: path, found, remedy: 'Choose another place.', cause });
  }
}

/** Name of this process among all that share a file system: containers have the same process ids. */
const PROCESS = `${process.pid}-${randomUUID().slice(0, 8)}`;
let temporaryNames = 0;

/** Name beside the target, so that the rename stays within one file system and is atomic. */
const temporaryOf = (path: string) => `${path}.${PROCESS}-${temporaryNames++}.tmp`;

/** Codes of file systems that have no links, such as FAT and those of some networks. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** Gives a temporary file its name, unless that is taken; then the file is removed. @returns false where it was taken. */
async function renameNew(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path).catch((cause: NodeJS.ErrnoException) => {
      if (!NO_LINKS.includes(cause.code ?? '')) throw cause;
      return copyFile(temporary, path, constants.COPYFILE_EXCL); // for a moment others may read a part
    });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Writes a file under a temporary name, which `place` then changes. */
function writeWhole<T>(
  path: string,
  bytes: Uint8Array | string,
  place: (temporary: string, path: string) => Promise<T>,
): Promise<T> {
  return attempt('write', path, async () => {
    await makeFolder(dirname(path));
    const temporary = temporaryOf(path);
    try {
      await writeFile(temporary, bytes);
      return await place(temporary, path);
    } catch (cause) {
      await rm(temporary, { force: true });
      throw cause;
    }
  });
}

/** Maximum number of folders that a store remembers to have made. */
const MAX_FOLDERS = 4096;

async function readFrom(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** A file under a temporary name, renamed when it is finished. */
class PartWriter implements FileWriter {
  private readonly path: string;
  private readonly temporary: string;
  private file: FileHandle | undefined;
  private length = 0;

  constructor(path: string, temporary: string, file: FileHandle) {
    this.path = path;
    this.temporary = temporary;
    this.file = file;
  }

  write(bytes: Uint8Array): Promise<void> {
    return attempt('write', this.path, async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.file!.write(bytes, done, bytes.length - done, this.length);
        done += bytesWritten;
        this.length += bytesWritten;
      }
    });
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return attempt('read', this.path, () => readFrom(this.file!, offset, length));
  }

  finish(): Promise<void> {
    return attempt('write', this.path, async () => {
      await this.close();
      await rename(this.temporary, this.path);
    });
  }

  discard(): Promise<void> {
    return attempt('remove', this.temporary, async () => {
      await this.close();
      await rm(this.temporary, { force: true });
    });
  }

  private async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}

export class FileStore implements FolderStore {
  private readonly madeFolders = new Set<string>();

  read(path: string): Promise<Uint8Array> {
    return attempt('read', path, async () => {
      const { buffer, byteOffset, byteLength } = await readFile(path); // a plain array: Buffer's slice() shares memory
      return new Uint8Array(buffer, byteOffset, byteLength);
    });
  }

  readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return attempt('read', path, async () => {
      const file = await open(path, 'r');
      try {
        return await readFrom(file, offset, length);
      } finally {
        await file.close();
      }
    });
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    try {
      const info = await stat(path);
      const kind = info.isDirectory() ? 'folder' : 'file';
      return {
        size: info.size,
        kind,
        modified: info.mtimeMs,
        ...(info.ino > 0 && { identity: `${info.dev}:${info.ino}` }),
      };
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
      throw fileError('look at', path, cause);
    }
  }

  realPath(path: string): Promise<string> {
    return attempt('look at', path, () => realpath(path));
  }

  list(path: string): Promise<string[]> {
    return attempt('list the folder', path, async () => (await readdir(path)).sort());
  }

  write(path: string, bytes: Uint8Array | string): Promise<void> {
    return writeWhole(path, bytes, rename);
  }

  writeNew(path: string, bytes: Uint8Array | string): Promise<boolean> {
    return writeWhole(path, bytes, renameNew);
  }

  writeUnfinished(path: string, bytes: Uint8Array): Promise<void> {
    return attempt('write', path, async () => {
      const folder = dirname(path);
      if (!this.madeFolders.has(folder)) {
        await makeFolder(folder);
        if (this.madeFolders.size >= MAX_FOLDERS) this.madeFolders.clear();
        this.madeFolders.add(folder);
      }
      writeFileSync(path, bytes); // a small file takes less than handing it to another thread
    });
  }

  create(path: string): Promise<FileWriter> {
    return attempt('write', path, async () => {
      await makeFolder(dirname(path));
      const temporary = temporaryOf(path);
      return new PartWriter(path, temporary, await open(temporary, 'wx+'));
    });
  }

  append(path: string, text: string): Promise<void> {
    return attempt('write', path, async () => {
      await makeFolder(dirname(path));
      await appendFile(path, text);
    });
  }

  remove(path: string): Promise<void> {
    this.madeFolders.clear();
    return attempt('remove', path, () => rm(path, { recursive: true, force: true }));
  }

  /** Moves a file or folder to a name where nothing is; atomic within one file system. */
  rename(from: string, to: string): Promise<void> {
    return attempt('rename', from, async () => {
      this.madeFolders.clear();
      await makeFolder(dirname(to));
      await rename(from, to);
    });
  }
}
