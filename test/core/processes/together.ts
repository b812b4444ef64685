/**
 * Processes of one run, played one after the other in this one. Work that comes to a collective whose other parts are not
 * known yet is broken off and begun again when they are, so it must be the same each time.
 */
import type { Communicator } from '../../../packages/core/src/processes/communicator.ts';

class NotYet extends Error {}

/** @returns what each process's work gives, by rank. */
export function together<T>(size: number, work: (communicator: Communicator) => T): T[] {
  const rounds: (Uint8Array | undefined)[][] = [];
  for (;;) {
    const results = Array.from({ length: size }, (_, rank) => attempt(rank));
    if (results.every((result) => result !== undefined)) return results.map((result) => result!.value);
  }

  function attempt(rank: number): { value: T } | undefined {
    try {
      return { value: work(played(rank)) };
    } catch (error) {
      if (error instanceof NotYet) return undefined;
      throw error;
    }
  }

  function played(rank: number): Communicator {
    let round = 0;
    function allGather(bytes: Uint8Array): readonly Uint8Array[] {
      rounds[round] ??= Array.from({ length: size });
      const parts = rounds[round++]!;
      parts[rank] = bytes.slice();
      if (parts.includes(undefined)) throw new NotYet();
      return parts as Uint8Array[];
    }
    return {
      ...{ rank, size, allGather },
      allReduce(values) {
        const own = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        const parts = allGather(own).map((bytes) => new Float32Array(bytes.slice().buffer));
        for (let i = 0; i < values.length; i++) values[i] = parts.reduce((sum, part) => sum + part[i]!, 0);
      },
    };
  }
}
