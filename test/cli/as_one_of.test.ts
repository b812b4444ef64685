/** Commands in the processes of a launcher: who speaks, and what is refused where they cannot hear each other. */
import { describe, expect, it, vi } from 'vitest';
import { asOneOf } from '../../packages/cli/src/as_one_of.ts';
import { createContext } from '../../packages/cli/src/context.ts';
import { refuseProcesses } from '../../packages/cli/src/launcher.ts';
import { Interrupted } from '../../packages/cli/src/outcome.ts';
import { ProcessError } from '../../packages/core/src/errors.ts';
import { ALONE } from '../../packages/core/src/processes/communicator.ts';
import type { Mpi, MpiCommunicator } from '../../packages/native-cuda/src/mpi.ts';

const startedAs = (rank: number, size: number) => ({
  OMPI_COMM_WORLD_RANK: String(rank),
  OMPI_COMM_WORLD_SIZE: String(size),
});

function contextWith(mpi: Mpi, signal = new AbortController().signal) {
  const lines: string[] = [];
  const terminal = { isTTY: false, write: (line: string) => lines.push(line) > 0 };
  const context = createContext(
    signal,
    async () => [],
    terminal,
    async () => mpi,
  );
  return { context, lines };
}

function library(rank: number, size: number): { mpi: Mpi; closed: () => number } {
  let closed = 0;
  const communicator: MpiCommunicator = { ...ALONE, rank, size, close: () => closed++ };
  return { mpi: { available: true, library: 'Test MPI', open: () => communicator }, closed: () => closed };
}

const outcome = { json: { done: true }, text: 'done', exitCode: 130 };

describe('a command', () => {
  it('has the outcome of the first process, and the others say nothing', async () => {
    for (const rank of [0, 1]) {
      const { mpi, closed } = library(rank, 2);
      const { context, lines } = contextWith(mpi);
      const work = async ({ size }: { size: number }) => {
        context.log(`one of ${size}`);
        return outcome;
      };
      const ended = await asOneOf(context, work, startedAs(rank, 2));
      expect(ended).toEqual(rank === 0 ? outcome : { json: {}, text: '', streamed: true, exitCode: 0 });
      expect(lines).toEqual(rank === 0 ? ['one of 2\n'] : []);
      expect(closed()).toBe(1);
    }
  });

  it('that fails beside the first tells why: at once where a process is lost or a signal came, else after it', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const lost = new ProcessError({ action: 'go on', found: 'process 0 is gone' });
      const full = new Error('the disk is full');
      for (const [error, signal] of [
        [lost, undefined],
        [lost, AbortSignal.abort()],
        [full, AbortSignal.abort()],
      ] as const) {
        const { context } = contextWith(library(1, 2).mpi, signal);
        await expect(asOneOf(context, () => Promise.reject(error), startedAs(1, 2))).rejects.toBe(error);
        expect(said).toHaveBeenLastCalledWith('process 1 of 2: ');
      }
    } finally {
      said.mockRestore();
    }
  });

  it('that is interrupted beside the first says nothing', async () => {
    const { context } = contextWith(library(1, 2).mpi, AbortSignal.abort());
    const interrupted = () => Promise.reject(new Interrupted({ json: {}, text: '', exitCode: 130 }));
    expect(await asOneOf(context, interrupted, startedAs(1, 2))).toMatchObject({ text: '', exitCode: 130 });
  });

  it('is refused without MPI, and where the launcher is of another one', async () => {
    const work = () => Promise.reject(new Error('not reached'));
    const missing = contextWith({ available: false, reason: 'there is none' }).context;
    await expect(asOneOf(missing, work, startedAs(0, 2))).rejects.toMatchObject({
      tag: 'usage',
      message: expect.stringMatching(/2 processes that mpirun started.*there is none.*without mpirun/),
    });
    const { context } = contextWith(library(0, 1).mpi);
    await expect(asOneOf(context, work, startedAs(0, 2))).rejects.toThrow(/found 1 by Test MPI.*--mpi/);
  });

  it('that cannot be shared is refused', () => {
    const refuse = (environment: object) => () =>
      refuseProcesses('train a generator', 'Start it once.', { ...environment });
    expect(refuse(startedAs(1, 2))).toThrow(
      'Cannot train a generator: expected one process, found 2 that mpirun started. Start it once.',
    );
    expect(refuse({})).not.toThrow();
  });
});
