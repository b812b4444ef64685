/** Finds the command that a command line names, or the help on it. */
import { UsageError } from '@doppel/core/errors';
import { type Command, type Entry, execute, type Group, isGroup } from './command.ts';
import type { Context } from './context.ts';
import { helpOf } from './help.ts';
import { nearest } from './nearest.ts';

/** Runs the command that the words name. @throws UsageError if they name none. */
export async function dispatch(root: Entry, words: readonly string[], context: Context): Promise<void> {
  const { node, rest } = await find(root, words);
  if (!isGroup(node)) return execute(node, rest, context);
  const { name, commands, fallback } = node;
  const [word] = rest;
  if (fallback && (word === undefined || word.startsWith('-'))) {
    return dispatch(commands[fallback]!, rest, context);
  }
  const near = word === undefined ? undefined : nearest(word, Object.keys(commands));
  throw new UsageError({
    action: `run \`${name}\``,
    expected: `one of the commands ${Object.keys(commands).join(', ')}`,
    found: word === undefined ? 'none' : `"${word}"`,
    remedy: `${near ? `Did you mean ${near}? ` : ''}See \`${name} --help\`.`,
  });
}

/** `doppel mine --help`, `doppel help mine`, `doppel help` and `doppel` alone; undefined if no help is asked for. */
export async function askedHelp(root: Entry, words: readonly string[]): Promise<string | undefined> {
  const isAsked = words.length === 0 || words[0] === 'help' || words.includes('--help') || words.includes('-h');
  if (!isAsked) return undefined;
  const { node, rest, description } = await find(root, words[0] === 'help' ? words.slice(1) : words);
  const [word] = rest;
  const isWrong = isGroup(node) && word !== undefined && !word.startsWith('-');
  if (!isWrong) return [helpOf(node, description), ...(await fallbackHelp(node))].join('\n\n');
  throw new UsageError({
    action: 'show help',
    expected: `one of the commands ${Object.keys(node.commands).join(', ')}`,
    found: `"${word}"`,
  });
}

/** Help on the command that runs if a group's name stands alone. */
async function fallbackHelp(node: Command | Group): Promise<string[]> {
  if (!isGroup(node) || !node.fallback) return [];
  const { description, load } = node.commands[node.fallback]!;
  return [helpOf(await load(), `${node.fallback}: ${description}`)];
}

/** Follows the words down the tree of commands. `rest`: the words after the command's name. */
export async function find({ description, load }: Entry, words: readonly string[]): Promise<Found> {
  const node = await load();
  if (!isGroup(node)) return { node, description, rest: words };
  const [word = '', ...others] = chosen(node, words);
  if (Object.hasOwn(node.commands, word)) return find(node.commands[word]!, others);
  return { node, description, rest: chosen(node, words) };
}

interface Found {
  node: Command | Group;
  description: string;
  rest: readonly string[];
}

/** The words with the name of the command in front, where a flag of older scripts names it. */
function chosen({ chosenBy, commands }: Group, words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => word === `--${chosenBy}` || word.startsWith(`--${chosenBy}=`));
  if (at < 0 || Object.hasOwn(commands, words[0] ?? '')) return words;
  const [flag, next] = words.slice(at, at + 2);
  const isInline = flag!.includes('=');
  const name = isInline ? flag!.slice(flag!.indexOf('=') + 1) : next;
  const others = [...words.slice(0, at), ...words.slice(at + (isInline ? 1 : 2))];
  return name === undefined ? words : [name, ...others];
}
