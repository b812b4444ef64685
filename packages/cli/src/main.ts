#!/usr/bin/env node
/** `doppel`: the entry point. It finds the command, gives it a context, and turns what it throws into an exit code. */
import { stripVTControlCharacters } from 'node:util';
import { reasonOf, UsageError } from '@doppel/core';
import type { BackendLoader } from '@doppel/core/backends';
import { renderUsage, runCommand } from 'citty';
import { type DoppelCommand, describeError } from './command.ts';
import { COMMANDS } from './commands.ts';
import { createContext } from './context.ts';
import { VERSION } from './version.ts';

const main: DoppelCommand = {
  meta: {
    name: 'doppel',
    version: VERSION,
    description: 'Tells whether a SAR and an optical patch show the same place, and learns it from few labelled pairs',
  },
  subCommands: COMMANDS,
};

/** The addon is optional: when its package cannot be imported, that is the reason that `doctor` reports. */
async function nativeLoaders(): Promise<BackendLoader[]> {
  try {
    const { nativeBackendLoaders } = await import('@doppel/native-cuda');
    return nativeBackendLoaders();
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

/** Follows the words of the command line down to the command that is meant. */
async function findCommand(rawArgs: readonly string[]) {
  let [found, parent] = [main, main];
  let depth = 0;
  for (const word of rawArgs) {
    const children = found.subCommands as Record<string, () => Promise<DoppelCommand>> | undefined;
    if (word.startsWith('-') || !children?.[word]) break;
    parent = found;
    found = await children[word]();
    depth++;
  }
  return { found, parent, path: ['doppel', ...rawArgs.slice(0, depth)].join(' '), rest: rawArgs.slice(depth) };
}

/** What a group runs where the next word is no command of its own but a flag, or nothing. */
async function defaultOf(group: DoppelCommand, word: string | undefined): Promise<DoppelCommand> {
  const children = group.subCommands as Record<string, () => Promise<DoppelCommand>> | undefined;
  const name = group.default as string | undefined;
  if (!children || !name || (word !== undefined && !word.startsWith('-'))) return group;
  return children[name]!();
}

/** `doppel` and `doppel data` only hold commands: one of theirs must be named. */
function refuseGroup(group: DoppelCommand, path: string, word: string | undefined): void {
  if (!group.subCommands) return;
  throw new UsageError({
    action: `run \`${path}\``,
    expected: `one of the commands ${Object.keys(group.subCommands).join(', ')}`,
    found: word === undefined ? 'none' : `"${word}"`,
    remedy: `See \`${path} --help\`.`,
  });
}

const nameOf = ({ meta }: DoppelCommand) => (meta as { name: string }).name;

async function help(rawArgs: readonly string[]): Promise<string> {
  const { found, parent } = await findCommand(rawArgs);
  // The name of a command in a group is that of the group and its own: citty would put the group before it once more.
  const isNamedInFull = nameOf(found).startsWith(`${nameOf(parent)} `);
  const colourful = await renderUsage(found, found === parent || isNamedInFull ? undefined : parent);
  const usage = process.stdout.isTTY ? colourful : stripVTControlCharacters(colourful);
  const examples = found.examples ?? [];
  return examples.length > 0 ? `${usage}\n\nEXAMPLES\n\n${examples.map((line) => `  ${line}`).join('\n')}` : usage;
}

/** The first Ctrl-C asks the command to save and stop, the second ends the process. */
function watchSignals(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: string) => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${signal}: finishing the current step; once more to quit at once\n`);
    controller.abort();
  };
  process.on('SIGINT', () => stop('Ctrl-C'));
  process.on('SIGTERM', () => stop('SIGTERM'));
  return controller.signal;
}

async function run(rawArgs: string[]): Promise<void> {
  if (rawArgs[0] === '--version' || rawArgs[0] === '-v') return void process.stdout.write(`${VERSION}\n`);
  if (rawArgs.length === 0 || rawArgs.includes('--help') || rawArgs.includes('-h')) {
    return void process.stdout.write(`${await help(rawArgs)}\n`);
  }
  const signal = watchSignals();
  try {
    const { found: named, path, rest } = await findCommand(rawArgs);
    const found = await defaultOf(named, rest[0]);
    refuseGroup(found, path, rest[0]);
    await runCommand(found, { rawArgs: rest, data: createContext(signal, nativeLoaders) });
    if (signal.aborted && process.exitCode === undefined) process.exitCode = 130;
  } catch (error) {
    const { text, exitCode } = describeError(error, rawArgs.includes('--debug'));
    process.stderr.write(`${text}\n`);
    process.exitCode = signal.aborted ? 130 : exitCode;
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
