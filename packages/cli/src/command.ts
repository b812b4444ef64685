/**
 * The shape of every doppel command: typed flags, the same printing (one JSON object or a text on stdout, the rest on
 * stderr), the same exit codes (0 success, 2 usage, 75 lost a process: start again, 130 interrupted, 1 the rest).
 */
import { DoppelError, ProcessError, UsageError } from '@doppel/core/errors';
import { readCommandLine } from './command_line.ts';
import type { Context } from './context.ts';
import { type Flags, type Values, yes } from './flags.ts';
import { Interrupted, type Outcome } from './outcome.ts';
import { stopSignalOf } from './stopped.ts';

export type { Outcome } from './outcome.ts';

/** Flags of every command. */
export const COMMON = {
  json: yes('Print one JSON object on stdout'),
  debug: yes('Show the stack trace of an error'),
} satisfies Flags;

interface Named {
  /** Full name as it is typed: `doppel data import folder`. */
  name: string;
}

export interface CommandSpec<W extends Flags, F extends Flags> extends Named {
  /** Values that are given without a flag, in this order. */
  words?: W;
  flags: F;
  /** Shown by --help, each a whole command line. */
  examples: readonly string[];
  /** Words for the work between a signal and the end of the command. Default: finishing the current step. */
  stopping?: string;
  run(input: { args: Values<W & F & typeof COMMON>; context: Context }): Promise<Outcome>;
}

export interface Command extends Named {
  words: Flags;
  flags: Flags;
  examples: readonly string[];
  stopping?: string;
  /** @param args what follows the command's name. @throws UsageError if they are not what the command declares. */
  run(args: readonly string[], context: Context): Promise<Outcome>;
}

/** A place in the tree of commands. Its description is here, so that the help on a group loads none of its commands. */
export interface Entry {
  description: string;
  load(): Promise<Command | Group>;
}

export interface Group extends Named {
  commands: Record<string, Entry>;
  /** The command that runs if none is named. */
  fallback?: string;
  /** Flag of older scripts that names the command: `mine --strategy loss` runs `mine loss`. */
  chosenBy?: string;
}

export const isGroup = (node: Command | Group): node is Group => 'commands' in node;

export function command<F extends Flags, W extends Flags = Record<never, never>>(spec: CommandSpec<W, F>): Command {
  const { name, words = {}, flags } = spec;
  return {
    ...spec,
    words,
    async run(rawArgs, context) {
      const args = readCommandLine(name, { words, flags: { ...flags, ...COMMON } }, rawArgs);
      try {
        return await spec.run({ args: args as Values<W & F & typeof COMMON>, context });
      } catch (error) {
        if (error instanceof Interrupted) return error.outcome;
        throw error;
      }
    },
  };
}

/** Runs a command and prints its outcome. */
export async function execute(command: Command, args: readonly string[], context: Context): Promise<void> {
  announceStop(context, command.stopping);
  const { json, text, exitCode, streamed } = await command.run(args, context);
  const isJson = args.some((arg) => arg === '--json' || arg === '--json=true');
  if (!streamed) process.stdout.write(`${isJson ? JSON.stringify(json) : text}\n`);
  if (exitCode !== undefined) process.exitCode = exitCode;
}

/** Says so when a signal stops the command. */
function announceStop({ signal, log }: Context, stopping = 'finishing the current step'): void {
  const say = () => {
    const words = { SIGINT: `Ctrl-C: ${stopping}; once more to quit at once`, SIGTERM: `SIGTERM: ${stopping}` };
    log(`\n${words[stopSignalOf(signal)]}`);
  };
  if (signal.aborted) say();
  else signal.addEventListener('abort', say);
}

/** Text and exit code of an error. @param debug adds the stack trace. */
export function describeError(error: unknown, debug: boolean): { text: string; exitCode: number } {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof DoppelError || debug ? '' : ' (unexpected; run again with --debug for the stack trace)';
  return {
    text: debug && error instanceof Error ? (error.stack ?? message) + causeOf(error) : `error: ${message}${hint}`,
    exitCode: error instanceof UsageError ? 2 : error instanceof ProcessError ? 75 : 1,
  };
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? `\ncaused by: ${error.cause.stack}` : '';
}
