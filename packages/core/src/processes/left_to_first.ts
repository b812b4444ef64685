/** Store of the processes that leave writing to the first: it reads, and what is written to it goes nowhere. */
import type { FileWriter, Store } from '../store.ts';

const nothing = async () => {};

export function leftToFirst(store: Store): Store {
  const writer: FileWriter = { write: nothing, read: async () => new Uint8Array(), finish: nothing, discard: nothing };
  return {
    read: (path) => store.read(path),
    readRange: (path, offset, length) => store.readRange(path, offset, length),
    stat: (path) => store.stat(path),
    list: (path) => store.list(path),
    ...(store.realPath && { realPath: (path: string) => store.realPath!(path) }),
    ...{ write: nothing, append: nothing, remove: nothing, create: async () => writer },
  };
}
