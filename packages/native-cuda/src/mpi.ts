/**
 * Processes that `mpirun` or `srun` started, as a communicator of core. The library that binds MPI is a file of its own,
 * built where mpicxx was found; the addon does without it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ProcessError, reasonOf } from '@doppel/core/errors';
import type { Communicator } from '@doppel/core/training';

/** Exports of the library. */
export interface Binding {
  /** Name and version of the MPI that it is built with. */
  library(): string;
  start(): Pick<Communicator, 'rank' | 'size'>;
  allReduce(values: Float32Array): void;
  allGather(bytes: Uint8Array): Uint8Array[];
  /** True once a call has failed because a process is gone. */
  isPeerGone(): boolean;
  abort(code: number): void;
  finish(): void;
}

/** A communicator that must be closed, or it ends the processes of the run. */
export interface MpiCommunicator extends Communicator {
  /** Ends the part of this process, once all others end theirs. */
  close(): void;
}

export type Mpi = { available: true; library: string; open(): MpiCommunicator } | { available: false; reason: string };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const BUILT = here('../build/Release/doppel_mpi.node');
const NOTE = here('../build/mpi-not-built.txt');

/** Loads the library. Never throws. */
export function loadMpi(file: string = BUILT): Mpi {
  if (!existsSync(file)) return { available: false, reason: `${notBuilt(file)}. ${REMEDY}` };
  try {
    const holder = { exports: {} };
    // MPI's own plug-ins look its names up in the whole process.
    process.dlopen(holder, file, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
    const binding = holder.exports as Binding;
    return { available: true, library: nameOf(binding.library()), open: () => communicatorOf(binding) };
  } catch (cause) {
    return { available: false, reason: `${file} does not load: ${reasonOf(cause)}. ${REMEDY}` };
  }
}

const REMEDY = `Build it with \`node ${here('../scripts/build_mpi.mjs')}\` (mpicxx of Open MPI or MPICH)`;

function notBuilt(file: string): string {
  if (file !== BUILT) return `there is no ${file}`;
  return existsSync(NOTE) ? `the build: ${readFileSync(NOTE, 'utf8').trim()}` : 'the library for MPI is not built';
}

/** "Open MPI v4.1.4" or "MPICH Version: 4.0.2" of the text by which an MPI introduces itself. */
const nameOf = (text: string) => text.split(/[,\n]/, 1)[0]!.replace(/\s+/g, ' ').trim();

export function communicatorOf(binding: Binding): MpiCommunicator {
  const { rank, size } = binding.start();
  let isClosed = false;
  // A process that ends early would leave the others waiting.
  process.on('exit', (code) => {
    if (!isClosed) binding.abort(code || 1);
  });
  // Node says it after the event `exit`, and so never.
  process.on('uncaughtExceptionMonitor', (error) => {
    if (!isClosed) console.error(error);
  });
  return {
    ...{ rank, size },
    allReduce: (values) => explained(binding, size, () => binding.allReduce(values)),
    allGather: (bytes) => explained(binding, size, () => binding.allGather(bytes)),
    close() {
      isClosed = true;
      binding.finish();
    },
  };
}

/** @throws ProcessError where a process is gone: the run can be started again. @throws other failures of MPI as they are. */
function explained<T>(binding: Binding, size: number, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!binding.isPeerGone()) throw cause;
    throw new ProcessError({
      ...{ action: `go on in ${size} processes`, found: reasonOf(cause), cause },
      remedy: 'Start the run again by --resume, in as many processes or another number: it goes on from its last save.',
    });
  }
}
