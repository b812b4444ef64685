/**
 * Where files come from and go to. core never touches a file system: the CLI gives it a store over real files, a test
 * a store in memory, an edge runtime whatever it has. Paths are plain strings joined by `/`.
 */
import { FileError } from './errors.ts';

export interface FileInfo {
  /** Bytes. */
  size: number;
  kind: 'file' | 'folder';
  /** The same for all paths that lead to it, links among them; absent where a store has no links. */
  identity?: string;
  /** Time of the last change, in milliseconds since 1970; absent where a store keeps none. */
  modified?: number;
}

/** A file that grows part by part and appears under its name when it is finished. */
export interface FileWriter {
  /** Adds to the end. */
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes written before; fewer where they end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Gives the file its name, over an older one. */
  finish(): Promise<void>;
  /** Removes what was written; no effect after `finish`. */
  discard(): Promise<void>;
}

export interface Store {
  /** The whole file. Throws `FileError` where there is none. */
  read(path: string): Promise<Uint8Array>;
  /** `length` bytes from `offset`; fewer where the file ends. Throws `FileError` where there is no file. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Undefined where nothing is there. */
  stat(path: string): Promise<FileInfo | undefined>;
  /** The one absolute path of what is there, whatever links lead to it; absent where paths have one form only. */
  realPath?(path: string): Promise<string>;
  /** Names (not paths) in a folder, sorted. */
  list(path: string): Promise<string[]>;
  /** Writes all or nothing: to a temporary name, then renamed. Makes the folders that are missing. */
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  /** Writes likewise, but only where nothing is: of processes that do so at once, one. False where it did not. */
  writeNew(path: string, bytes: Uint8Array | string): Promise<boolean>;
  /**
   * Writes a file that nobody reads before all is done, such as a patch of a data set without a list: at once to its
   * name, which takes half as long as `write`. Absent where that gains nothing.
   */
  writeUnfinished?(path: string, bytes: Uint8Array): Promise<void>;
  /** Begins a file too large to hold at once. Makes the folders that are missing. */
  create(path: string): Promise<FileWriter>;
  /** Adds to the end of a file; makes it where it is missing. */
  append(path: string, text: string): Promise<void>;
  /** Removes a file or a folder with all it holds; no error where nothing is there. */
  remove(path: string): Promise<void>;
}

/** Joins path segments by `/`; an absolute later segment starts afresh. */
export function joinPath(...segments: string[]): string {
  let path = '';
  for (const segment of segments) {
    if (segment === '') continue;
    path = path === '' || segment.startsWith('/') ? segment : `${path.replace(/\/+$/, '')}/${segment}`;
  }
  return path;
}

/** The folder of a path: `a/b.png` → `a`, `b.png` → `.`. */
export function folderOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : end === 0 ? '/' : path.slice(0, end);
}

/** The last segment of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export async function readText(store: Store, path: string): Promise<string> {
  return new TextDecoder().decode(await store.read(path));
}

/** A store that holds its files in a map: for tests and for runtimes without a file system. */
export class MemoryStore implements Store {
  readonly files = new Map<string, Uint8Array>();

  async read(path: string): Promise<Uint8Array> {
    const bytes = this.files.get(path);
    if (!bytes) throw new FileError({ action: 'read', file: path, expected: 'a file', found: 'nothing' });
    return bytes;
  }

  async readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    return (await this.read(path)).subarray(offset, offset + length);
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const bytes = this.files.get(path);
    if (bytes) return { size: bytes.length, kind: 'file' };
    const isFolder = [...this.files.keys()].some((name) => name.startsWith(`${path}/`));
    return isFolder ? { size: 0, kind: 'folder' } : undefined;
  }

  async list(path: string): Promise<string[]> {
    const names = new Set<string>();
    for (const name of this.files.keys()) {
      if (name.startsWith(`${path}/`)) names.add(name.slice(path.length + 1).split('/')[0] as string);
    }
    return [...names].sort();
  }

  async write(path: string, bytes: Uint8Array | string): Promise<void> {
    this.files.set(path, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes.slice());
  }

  async writeNew(path: string, bytes: Uint8Array | string): Promise<boolean> {
    if (this.files.has(path)) return false;
    await this.write(path, bytes);
    return true;
  }

  async create(path: string): Promise<FileWriter> {
    let bytes = new Uint8Array();
    return {
      write: async (part) => {
        bytes = joined(bytes, part);
      },
      read: async (offset, length) => bytes.slice(offset, offset + length),
      finish: async () => {
        this.files.set(path, bytes);
      },
      discard: async () => {},
    };
  }

  async append(path: string, text: string): Promise<void> {
    const before = this.files.get(path) ?? new Uint8Array();
    this.files.set(path, joined(before, new TextEncoder().encode(text)));
  }

  async remove(path: string): Promise<void> {
    for (const name of this.files.keys()) {
      if (name === path || name.startsWith(`${path}/`)) this.files.delete(name);
    }
  }
}

function joined(before: Uint8Array, added: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(before.length + added.length);
  bytes.set(before);
  bytes.set(added, before.length);
  return bytes;
}
