/** Contract of processes that train one model together: who they are, and how numbers and bytes go between them. */
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * Communicator of one process among those of a run. Every process makes the same calls in the same order; a call blocks
 * until all have made theirs.
 */
export interface Communicator {
  /** Number of this process, from 0. Process 0 writes the files and speaks to the user. */
  readonly rank: number;
  /** Number of processes. */
  readonly size: number;
  /**
   * Replaces the values by their sum over the processes, by element. It is taken in the order of ranks, so that it
   * depends on the number of processes alone, never on which of them was first.
   */
  allReduce(values: Float32Array): void;
  /**
   * Replaces the values of a float32 tensor by that sum on the device where they are, enqueued as an op is; absent where
   * they go through `allReduce`.
   */
  allReduceTensor?(tensor: Tensor): void;
  /** Bytes of every process, by rank; their numbers may differ. */
  allGather(bytes: Uint8Array): readonly Uint8Array[];
}

/** Communicator of a process that trains alone. */
export const ALONE: Communicator = { rank: 0, size: 1, allReduce: () => {}, allGather: (bytes) => [bytes] };

/** Settings of a run of many processes, and their communicator. */
export interface Processes {
  communicator: Communicator;
  /** Batch normalisation by the statistics of the whole batch, or of each process's share of it. */
  statistics: 'synchronised' | 'local';
  /** Windows and templates of the whole batch compared with each other, or those of each process's share. */
  matrix: 'gathered' | 'local';
}

/** Elements of a list that are a process's own: every `size`-th. */
export function ownOf<T>(list: readonly T[], { rank, size }: Pick<Communicator, 'rank' | 'size'>): T[] {
  return list.filter((_, i) => i % size === rank);
}
