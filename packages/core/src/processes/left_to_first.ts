/** Store of processes of which the first writes. */
import type { FileWriter, Store } from '../store.ts';
import type { Communicator } from './communicator.ts';

const nothing = async () => {};

/** The store for process 0; for the others one that reads, and where what is written goes nowhere. */
export function leftToFirst(store: Store, { rank }: Pick<Communicator, 'rank'>): Store {
  if (rank === 0) return store;
  const writer: FileWriter = { write: nothing, read: async () => new Uint8Array(), finish: nothing, discard: nothing };
  return {
    read: (path) => store.read(path),
    readRange: (path, offset, length) => store.readRange(path, offset, length),
    stat: (path) => store.stat(path),
    list: (path) => store.list(path),
    ...(store.realPath && { realPath: (path: string) => store.realPath!(path) }),
    ...{ write: nothing, writeNew: async () => true, append: nothing, remove: nothing, create: async () => writer },
  };
}
