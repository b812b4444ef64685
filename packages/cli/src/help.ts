/** The text of `--help`, derived from what commands and groups declare. */
import { COMMON, type Command, type Group, isGroup } from './command.ts';
import { type FlagInfo, flagInfo } from './flags.ts';

export async function helpOf(node: Command | Group): Promise<string> {
  const [head, ...sections] = isGroup(node) ? await groupHelp(node) : commandHelp(node);
  return [head, ...sections.filter((section) => section !== '')].join('\n\n');
}

async function groupHelp({ name, description, commands, fallback }: Group): Promise<string[]> {
  const rows = Object.entries(commands).map(async ([word, load]) => [word, (await load()).description] as const);
  const withoutWord = fallback ? `\nWithout a command: ${fallback}.` : '';
  return [
    description,
    `USAGE\n\n  ${name} <command>`,
    section('COMMANDS', await Promise.all(rows)),
    `See \`${name} <command> --help\` for the flags of a command.${withoutWord}`,
  ];
}

function commandHelp({ name, description, words, flags, examples }: Command): string[] {
  const wordInfos = Object.entries(words).map(([key, schema]) => [key.toUpperCase(), flagInfo(key, schema)] as const);
  const flagInfos = Object.entries({ ...flags, ...COMMON }).map(([key, schema]) => flagInfo(key, schema));
  const usage = [
    name,
    ...wordInfos.map(([word, { isRequired }]) => (isRequired ? word : `[${word}]`)),
    ...flagInfos.filter(({ isRequired }) => isRequired).map(signatureOf),
    '[flags]',
  ];
  return [
    description,
    `USAGE\n\n  ${usage.join(' ')}`,
    section(
      'WORDS',
      wordInfos.map(([word, info]) => [word, info.description]),
    ),
    section(
      'FLAGS',
      flagInfos.map((info) => [signatureOf(info), descriptionOf(info)]),
    ),
    `EXAMPLES\n\n${examples.map((line) => `  ${line}`).join('\n')}`,
  ];
}

const signatureOf = ({ spelling, isBoolean, hint }: FlagInfo) => (isBoolean ? spelling : `${spelling} <${hint}>`);

function descriptionOf({ description, default: value, isRequired, isBoolean }: FlagInfo): string {
  const note = isRequired ? ' (required)' : value === undefined || isBoolean ? '' : ` (default ${value})`;
  return description + note;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return '';
  const width = Math.max(...rows.map(([left]) => left.length));
  return [title, '', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)].join('\n');
}
