/** Runs a command in this process as the entry point would, and catches what it prints. */
import type { DoppelCommand } from '@doppel/cli/command';
import { createContext, type LoadBackendLoaders } from '@doppel/cli/context';
import { runCommand as runCitty } from 'citty';

export interface CommandRun {
  stdout: string;
  /** What was logged, a line each. */
  log: string[];
  exitCode: number;
}

/**
 * @param loaders of the native addon, where the command is to find it.
 * @throws what the command throws; the entry point would print it.
 */
export async function runCommand(
  command: DoppelCommand,
  rawArgs: string[],
  signal: AbortSignal = new AbortController().signal,
  loaders: LoadBackendLoaders = async () => [],
): Promise<CommandRun> {
  const context = createContext(signal, loaders);
  const log: string[] = [];
  const quiet = { update: () => {}, stop: () => {} };
  const write = process.stdout.write;
  let stdout = '';
  process.stdout.write = ((text: string, done?: () => void) => {
    stdout += text;
    done?.();
    return true;
  }) as typeof process.stdout.write;
  try {
    const data = { ...context, log: (line: string) => log.push(line), progress: () => quiet };
    await runCitty(command, { rawArgs, data });
    return { stdout, log, exitCode: Number(process.exitCode ?? 0) };
  } finally {
    process.stdout.write = write;
    process.exitCode = 0;
  }
}
