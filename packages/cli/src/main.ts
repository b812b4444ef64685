#!/usr/bin/env node
/** `doppel`: the entry point. It finds the command, gives it a context, and turns what it throws into an exit code. */
import type { BackendLoader } from '@doppel/core/backends';
import { ProcessError, reasonOf } from '@doppel/core/errors';
import type { Mpi } from '@doppel/native-cuda';
import { describeError } from './command.ts';
import { DOPPEL } from './commands.ts';
import type { NativeOptions } from './context.ts';
import { askedHelp, dispatch } from './dispatch.ts';
import { Stopped, type StopSignal } from './stopped.ts';
import { VERSION } from './version.ts';

/** The addon is optional: when its package cannot be imported, that is the reason that `doctor` reports. */
async function nativeLoaders(options?: NativeOptions): Promise<BackendLoader[]> {
  try {
    const { nativeBackendLoaders, optionsFrom } = await import('@doppel/native-cuda');
    return nativeBackendLoaders(optionsFrom(process.env, options));
  } catch (cause) {
    const fail = async () => {
      throw new Error(`the package @doppel/native-cuda does not load: ${reasonOf(cause)}`, { cause });
    };
    return [
      { name: 'cuda', load: fail },
      { name: 'native', load: fail },
    ];
  }
}

async function nativeMpi(): Promise<Mpi> {
  try {
    return (await import('@doppel/native-cuda')).loadMpi(process.env.DOPPEL_MPI_LIBRARY || undefined);
  } catch (cause) {
    return { available: false, reason: `the package @doppel/native-cuda does not load: ${reasonOf(cause)}` };
  }
}

/** The first Ctrl-C asks the command to save and stop, the second ends the process; so does the first SIGTERM. */
function watchSignals(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: StopSignal) => controller.abort(new Stopped(signal));
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(130);
    stop('SIGINT');
  });
  // Schedulers may send it more than once, to the script of a task and to its processes.
  process.on('SIGTERM', () => stop('SIGTERM'));
  return controller.signal;
}

async function run(words: readonly string[]): Promise<void> {
  if (words[0] === '--version' || words[0] === '-v') return void process.stdout.write(`${VERSION}\n`);
  const signal = watchSignals();
  try {
    const help = await askedHelp(DOPPEL, words);
    if (help !== undefined) return void process.stdout.write(`${help}\n`);
    const { createContext } = await import('./context.ts'); // and the backends with it, which help does without
    const context = createContext(signal, nativeLoaders, process.stderr, nativeMpi);
    await dispatch(DOPPEL, words, context);
    if (signal.aborted && process.exitCode === undefined) process.exitCode = 130;
  } catch (error) {
    const { text, exitCode } = describeError(error, words.includes('--debug'));
    process.stderr.write(`${text}\n`);
    // A launcher signals the processes that are left when one is lost: the loss is then the reason, not the signal.
    process.exitCode = signal.aborted && !(error instanceof ProcessError) ? 130 : exitCode;
  }
}

// A reader that closes the pipe early (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

await run(process.argv.slice(2));
// Workers and native threads may keep the loop alive; the command is done once its output is written.
process.stdout.write('', () => process.exit());
