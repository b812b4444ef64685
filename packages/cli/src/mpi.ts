/** MPI as commands see it; the entry point finds it in the native addon's package. */
import type { Communicator } from '@doppel/core/training';

/** Communicator whose end is agreed upon. */
export interface OpenCommunicator extends Communicator {
  /** Waits until all processes call it. A process that ends without it ends the others. */
  close(): void;
}

/** Library that binds MPI, or the reason why there is none. */
export type Mpi = { available: true; library: string; open(): OpenCommunicator } | { available: false; reason: string };
