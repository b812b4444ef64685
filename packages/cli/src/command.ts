/**
 * The shape of every doppel command, around citty: the same flags (--json, --debug), the same printing (one JSON object
 * or a text on stdout, the rest on stderr), the same exit codes (0 success, 2 usage, 130 interrupted, 1 the rest).
 */
import { stripVTControlCharacters } from 'node:util';
import { DoppelError, UsageError } from '@doppel/core';
import { type ArgDef, type ArgsDef, type CommandDef, defineCommand, type ParsedArgs, parseArgs } from 'citty';
import type { Context } from './context.ts';

const COMMON = {
  json: { type: 'boolean', description: 'Print one JSON object on stdout' },
  debug: { type: 'boolean', description: 'Show the stack trace of an error' },
} as const satisfies ArgsDef;

export interface Outcome {
  /** Printed with --json. */
  json: object;
  /** Printed without. */
  text: string;
  /** For a command that ran to its end and found failures, such as `verify`. Default 0; 130 after Ctrl-C. */
  exitCode?: number;
  /** The command has streamed its results to stdout already: print nothing more. */
  streamed?: boolean;
}

export interface CommandSpec<A extends ArgsDef> {
  meta: { name: string; description: string };
  args: A;
  /** Shown by --help, each a whole command line. */
  examples: readonly string[];
  run(input: { args: ParsedArgs<A & typeof COMMON>; context: Context }): Promise<Outcome>;
}

/** A citty command that carries its examples. */
export type DoppelCommand = CommandDef<ArgsDef> & {
  examples?: readonly string[];
  /** What the command would print for these words, for commands that are made of others. */
  outcomeOf?(rawArgs: string[], context: Context): Promise<Outcome>;
};

export function command<const A extends ArgsDef>(spec: CommandSpec<A>): DoppelCommand {
  const args: ArgsDef = { ...spec.args, ...COMMON };
  const definition = defineCommand({
    meta: spec.meta,
    args,
    async run({ args: parsed, rawArgs, data }) {
      refuseUnknownFlags(spec.meta.name, rawArgs, args);
      refuseFlagAsValue(spec.meta.name, rawArgs, args);
      const outcome = await spec.run({ args: parsed as ParsedArgs<A & typeof COMMON>, context: data as Context });
      if (!outcome.streamed) process.stdout.write(`${parsed.json ? JSON.stringify(outcome.json) : outcome.text}\n`);
      if (outcome.exitCode !== undefined) process.exitCode = outcome.exitCode;
    },
  }) as DoppelCommand;
  definition.examples = spec.examples;
  definition.outcomeOf = (rawArgs, context) =>
    spec.run({ args: parseArgs(rawArgs, args) as ParsedArgs<A & typeof COMMON>, context });
  return definition;
}

/** A command that holds others, such as `doppel data`; `fallback` names the one that runs where none is. */
export function commandGroup(
  meta: { name: string; description: string },
  subCommands: Record<string, () => Promise<DoppelCommand>>,
  fallback?: string,
): DoppelCommand {
  return { meta, subCommands, ...(fallback && { default: fallback }) };
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The flags that a command knows, as they are typed. */
export function flagsOf(args: ArgsDef): string[] {
  const spell = (alias: string) => (alias.length === 1 ? `-${alias}` : `--${kebab(alias)}`);
  return Object.entries(args).flatMap(([name, arg]: [string, ArgDef]) => {
    if (arg.type === 'positional') return [];
    const aliases = 'alias' in arg ? [arg.alias ?? []].flat() : [];
    const flags = [`--${kebab(name)}`, ...aliases.map(spell)];
    return arg.type === 'boolean' ? [...flags, `--no-${kebab(name)}`] : flags;
  });
}

/** citty passes over flags that it does not know; a mistyped flag must not be a silent default. */
function refuseUnknownFlags(name: string, rawArgs: readonly string[], args: ArgsDef): void {
  const known = flagsOf(args);
  const end = rawArgs.indexOf('--');
  for (const token of end < 0 ? rawArgs : rawArgs.slice(0, end)) {
    if (!/^--?[a-zA-Z]/.test(token)) continue;
    const flag = token.split('=')[0] as string;
    if (known.includes(flag) || known.includes(kebab(flag))) continue;
    throw new UsageError({
      action: `run \`doppel ${name}\``,
      expected: `one of the flags ${known.filter((each) => !each.startsWith('--no-')).join(' ')}`,
      found: flag,
      remedy: `See \`doppel ${name} --help\`.`,
    });
  }
}

/** citty takes whatever follows a flag for its value: `--out --json` would make a folder of the name --json. */
function refuseFlagAsValue(name: string, rawArgs: readonly string[], args: ArgsDef): void {
  const known = flagsOf(args);
  const isBoolean = ([, arg]: [string, ArgDef]) => arg.type === 'boolean';
  const withoutValue = flagsOf(Object.fromEntries(Object.entries(args).filter(isBoolean)));
  for (const [i, flag] of rawArgs.entries()) {
    if (flag === '--') return;
    const value = rawArgs[i + 1];
    if (!known.includes(flag) || withoutValue.includes(flag) || value === undefined || !known.includes(value)) continue;
    throw new UsageError({
      action: `run \`doppel ${name}\``,
      expected: `a value after ${flag}`,
      found: `the flag ${value}`,
      remedy: `See \`doppel ${name} --help\`.`,
    });
  }
}

/** A flag's text as a number; `UsageError` when it is none or outside its range. */
export function numberFlag(
  flag: string,
  text: string | undefined,
  range: { min?: number; max?: number; integer?: boolean } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, integer = false } = range;
  if (text.trim() !== '' && value >= min && value <= max && (!integer || Number.isInteger(value))) return value;
  const bounds = [Number.isFinite(min) && `at least ${min}`, Number.isFinite(max) && `at most ${max}`].filter(Boolean);
  throw new UsageError({
    action: `use --${flag}`,
    expected: [integer ? 'a whole number' : 'a number', ...bounds].join(', '),
    found: `"${text}"`,
  });
}

/** What to print for an error, and the exit code that goes with it. */
export function describeError(error: unknown, debug: boolean): { text: string; exitCode: number } {
  const isUsage = error instanceof UsageError || (error as Error)?.name === 'CLIError';
  // citty colours its messages, wherever they go.
  const message = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
  const unforeseen = !(error instanceof DoppelError) && !isUsage;
  const hint = unforeseen && !debug ? ' (unforeseen; run again with --debug for the stack trace)' : '';
  return {
    text: debug && error instanceof Error ? (error.stack ?? message) + causeOf(error) : `error: ${message}${hint}`,
    exitCode: isUsage ? 2 : 1,
  };
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? `\ncaused by: ${error.cause.stack}` : '';
}
