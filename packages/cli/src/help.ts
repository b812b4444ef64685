/** The text of `--help`, derived from what commands and groups declare. */
import { COMMON, type Command, type Group, isGroup } from './command.ts';
import { type FlagInfo, flagInfo } from './flags.ts';

export function helpOf(node: Command | Group, description: string): string {
  const sections = isGroup(node) ? groupHelp(node) : commandHelp(node);
  return [description, ...sections.filter((section) => section !== '')].join('\n\n');
}

function groupHelp({ name, commands, fallback }: Group): string[] {
  const rows = Object.entries(commands).map(([word, { description }]) => [word, description] as const);
  const withoutWord = fallback ? `\nWithout a command: ${fallback}.` : '';
  return [
    `USAGE\n\n  ${name} <command>`,
    section('COMMANDS', rows),
    `See \`${name} <command> --help\` for the flags of a command.${withoutWord}`,
  ];
}

function commandHelp({ name, words, flags, examples }: Command): string[] {
  const wordInfos = Object.entries(words).map(([key, schema]) => wordOf(key, flagInfo(key, schema)));
  const flagInfos = Object.entries({ ...flags, ...COMMON }).map(([key, schema]) => flagInfo(key, schema));
  const usage = [
    name,
    ...wordInfos.map(([word, { isRequired }]) => (isRequired ? word : `[${word}]`)),
    ...flagInfos.filter(({ isRequired }) => isRequired).map(signatureOf),
    '[flags]',
  ];
  return [
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

const wordOf = (key: string, info: FlagInfo) => [`${key.toUpperCase()}${info.isRepeated ? '…' : ''}`, info] as const;

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
