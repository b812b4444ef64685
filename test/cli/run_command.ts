/** Runs a command in this process as the entry point would, and catches what it prints. */
import { nativeBackendLoaders } from '@doppel/native-cuda';
import { type Command, execute } from '../../packages/cli/src/command.ts';
import { DOPPEL } from '../../packages/cli/src/commands.ts';
import { type Context, createContext, type LoadBackendLoaders } from '../../packages/cli/src/context.ts';
import { dispatch } from '../../packages/cli/src/dispatch.ts';

export interface CommandRun {
  stdout: string;
  /** What was logged, and lines of progress. */
  log: string[];
  exitCode: number;
}

/** Runs `doppel` with these words. */
export const runDoppel = (words: string[], signal?: AbortSignal, loaders?: LoadBackendLoaders): Promise<CommandRun> =>
  captured(signal, loaders, (context) => dispatch(DOPPEL, words, context));

/** The native addon for commands that compute much: it is many times as fast as wasm. Where it is not built, wasm runs. */
export const nativeLoaders: LoadBackendLoaders = async () => nativeBackendLoaders();

/**
 * @param loaders of the native addon, for commands that use it.
 * @param onLog takes each line as it is logged, to stop the command at one.
 * @throws what the command throws; the entry point would print it.
 */
export const runCommand = (
  command: Command,
  rawArgs: string[],
  signal?: AbortSignal,
  loaders?: LoadBackendLoaders,
  onLog?: (line: string) => void,
): Promise<CommandRun> => captured(signal, loaders, (context) => execute(command, rawArgs, context), onLog);

async function captured(
  signal = new AbortController().signal,
  loaders: LoadBackendLoaders = async () => [],
  run: (context: Context) => Promise<void>,
  onLog?: (line: string) => void,
): Promise<CommandRun> {
  const log: string[] = [];
  const write = (line: string) => {
    log.push(line.trimEnd());
    onLog?.(line);
    return true;
  };
  const context = createContext(signal, loaders, { isTTY: false, write });
  const writeOut = process.stdout.write;
  let stdout = '';
  process.stdout.write = ((text: string, done?: () => void) => {
    stdout += text;
    done?.();
    return true;
  }) as typeof process.stdout.write;
  try {
    await run(context);
    return { stdout, log, exitCode: Number(process.exitCode ?? 0) };
  } finally {
    process.stdout.write = writeOut;
    process.exitCode = 0;
  }
}
