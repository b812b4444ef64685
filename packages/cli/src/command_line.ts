/**
 * Words of a command line as typed values. An ambiguous command line is refused, never guessed: an unknown flag, a flag
 * given twice, a missing value, a flag in the place of a value, a surplus word.
 */
import { parseArgs } from 'node:util';
import { UsageError } from '@doppel/core/errors';
import type { z } from 'zod';
import { type FlagInfo, type Flags, flagInfo } from './flags.ts';
import { nearest } from './nearest.ts';

/** @param name of the command, for messages. @param words values without a flag, in order. @throws UsageError */
export function readCommandLine(
  name: string,
  { words, flags }: { words: Flags; flags: Flags },
  args: readonly string[],
): Record<string, unknown> {
  const flagInfos = Object.entries(flags).map(([key, schema]) => ({ key, schema, ...flagInfo(key, schema) }));
  const texts = new Map<string, string[]>();
  const wordInfos = Object.entries(words).map(([key, schema]) => {
    const info = flagInfo(key, schema);
    return { key, schema, ...info, spelling: key.toUpperCase() };
  });
  const surplus = [...wordInfos];
  const refuse = refuser(name);
  for (const token of tokensOf(args, flagInfos)) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      const word = surplus[0];
      if (!word) return refuse(wordsText(words), `"${token.value}"`);
      if (!word.isRepeated) surplus.shift(); // else the last word, which takes all that follow
      texts.set(word.key, [...(texts.get(word.key) ?? []), token.value]);
      continue;
    }
    const info = flagInfos.find((each) => namesOf(each).includes(token.name));
    if (!info) throw unknownFlag(name, args[token.index] as string, flagInfos);
    const before = texts.get(info.key) ?? [];
    if (before.length > 0 && !info.isRepeated) refuse(`${info.spelling} once`, 'it twice');
    texts.set(info.key, [...before, textOf(info, token, refuse)]);
  }
  return Object.fromEntries(
    [...wordInfos, ...flagInfos].map((info) => [info.key, parsed(info, texts.get(info.key), refuse)]),
  );
}

type Named = FlagInfo & { key: string; schema: z.ZodType };
type Token = ReturnType<typeof tokensOf>[number];
type Refuse = (expected: string, found: string, remedy?: string) => never;

/** Names on the command line: kebab-case, the camelCase of older scripts, and `no-` for a boolean. */
function namesOf({ key, spelling, isBoolean }: Named): string[] {
  const bare = spelling.slice(2);
  return [bare, key, ...(isBoolean ? [`no-${bare}`] : [])];
}

function tokensOf(args: readonly string[], flags: readonly Named[]) {
  const options = Object.fromEntries(
    flags.flatMap((flag) =>
      namesOf(flag).map((name) => [name, { type: flag.isBoolean ? 'boolean' : 'string' }] as const),
    ),
  );
  const given = { args: [...args], options, strict: false, allowPositionals: true, tokens: true } as const;
  return parseArgs(given).tokens;
}

function textOf(info: Named, token: Token & { kind: 'option' }, refuse: Refuse): string {
  const { spelling, isBoolean } = info;
  if (isBoolean) return token.value ?? String(!token.name.startsWith('no-'));
  if (token.value === undefined) refuse(`a value after ${spelling}`, 'none');
  if (!token.inlineValue && /^--?[a-zA-Z]/.test(token.value as string)) {
    refuse(
      `a value after ${spelling}`,
      `the flag ${token.value}`,
      `Write ${spelling}=${token.value} if that is the value.`,
    );
  }
  return token.value as string;
}

function parsed(info: Named, texts: readonly string[] | undefined, refuse: Refuse): unknown {
  const { schema, spelling, hint, expected, read, isRepeated } = info;
  const text = texts?.join(' ');
  const result = schema.safeParse(text === undefined ? undefined : isRepeated ? texts : read(text));
  if (result.success) return result.data;
  if (text === undefined) return refuse(spelling.startsWith('--') ? `${spelling} <${hint}>` : spelling, 'none');
  const [issue] = result.error.issues;
  const reason = issue?.code === 'custom' ? ` (${issue.message})` : '';
  throw new UsageError({ action: `use ${spelling}`, expected, found: `"${text}"${reason}`, cause: result.error });
}

function unknownFlag(name: string, given: string, flags: readonly Named[]): UsageError {
  const flag = given.split('=')[0] as string;
  const spellings = flags.map(({ spelling }) => spelling);
  const near = nearest(flag, spellings);
  return new UsageError({
    action: `run \`${name}\``,
    expected: near ? 'a flag of this command' : `one of the flags ${spellings.join(' ')}`,
    found: flag,
    remedy: `${near ? `Did you mean ${near}? ` : ''}See \`${name} --help\`.`,
  });
}

function wordsText(words: Flags): string {
  const names = Object.keys(words).map((word) => word.toUpperCase());
  return names.length === 0 ? 'flags only' : `only ${names.join(' ')} beside the flags`;
}

const refuser =
  (name: string): Refuse =>
  (expected, found, remedy = `See \`${name} --help\`.`) => {
    throw new UsageError({ action: `run \`${name}\``, expected, found, remedy });
  };
