/** Values that processes tell each other as JSON. */
import type { Communicator } from './communicator.ts';

/** Value of every process, by rank. All give one of the same type. */
export const gatherJson = <T>(communicator: Communicator, value: T): T[] =>
  communicator
    .allGather(new TextEncoder().encode(JSON.stringify(value)))
    .map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as T);
