/** Runs a command as one of the processes that a launcher of MPI started: the first speaks, the others are silent. */
import { setTimeout } from 'node:timers/promises';
import { type Environment, type ProcessPlace, processPlace } from '@doppel/core/batch';
import { ProcessError, UsageError } from '@doppel/core/errors';
import { ALONE, type Communicator } from '@doppel/core/training';
import type { Mpi, MpiCommunicator } from '@doppel/native-cuda';
import type { Context } from './context.ts';
import { Interrupted, type Outcome } from './outcome.ts';

const SILENT: Outcome = { json: {}, text: '', streamed: true, exitCode: 0 };

/** Time that the first process has to report an error which the others meet, too. */
const FIRST_MS = 2000;

/** @throws UsageError where a launcher started several processes, and they cannot speak with each other. */
export async function asOneOf(
  context: Context,
  work: (communicator: Communicator) => Promise<Outcome>,
  environment: Environment = process.env,
): Promise<Outcome> {
  const place = processPlace(environment);
  if (!place) return work(ALONE);
  if (place.rank > 0) context.silence();
  try {
    const communicator = open(place, await context.mpi());
    const outcome = await work(communicator);
    communicator.close();
    return communicator.rank === 0 ? outcome : SILENT;
  } catch (error) {
    if (place.rank === 0) throw error;
    if (error instanceof Interrupted) return { ...SILENT, exitCode: 130 };
    // Where the first fails, too, its launcher ends this process meanwhile. One that is lost can be told by others only.
    if (!(error instanceof ProcessError || context.signal.aborted)) await setTimeout(FIRST_MS);
    process.stderr.write(`process ${place.rank} of ${place.size}: `);
    throw error;
  }
}

function open({ launcher, size }: ProcessPlace, mpi: Mpi): MpiCommunicator {
  const refuse = (found: string, remedy: string): never => {
    throw new UsageError({
      action: `train in the ${size} processes that ${launcher} started`,
      ...{ expected: 'MPI between them', found, remedy },
    });
  };
  if (!mpi.available) return refuse(mpi.reason, `Or start \`doppel train\` without ${launcher}.`);
  const communicator = mpi.open();
  if (communicator.size === size) return communicator;
  return refuse(
    `${communicator.size} by ${mpi.library}`,
    'Start them by that MPI, with srun by its kind of --mpi (Open MPI: pmix, MPICH: pmi2); or bind the other one, by build_mpi.mjs --compiler.',
  );
}
