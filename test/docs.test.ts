/** The pages hang together and match the code: links lead somewhere, lines are short, every setting and folder is named. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GENERATORS } from '../packages/core/src/generator/architectures.ts';
import { ARCHITECTURES } from '../packages/core/src/matcher/architectures.ts';
import { STRATEGIES, settingsShapeOf } from '../packages/core/src/mining/strategies.ts';
import { resolveGeneratorTraining } from '../packages/core/src/training/generator/config.ts';
import { trainingConfigSchema } from '../packages/core/src/training/matcher/config.ts';
import { experimentConfigSchema } from '../packages/experiment/src/config.ts';

const root = new URL('..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const inFolder = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
const pages = ['README.md', 'CONTRIBUTING.md', ...['docs', 'studies', 'bench', 'data/demo'].flatMap(inFolder)].filter(
  (path) => path.endsWith('.md') && !path.endsWith('LICENSE.md'),
);

const withoutFences = (page: string) => page.replace(/^```[\s\S]*?^```/gm, '');
const withoutCode = (page: string) =>
  withoutFences(page)
    .replace(/^ {4,}.*$/gm, '')
    .replace(/`[^`\n]*`/g, 'code');

/** The anchors of a page, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...withoutFences(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) => text!.toLowerCase());
  return new Set(headings.map((text) => text.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

const linksOf = (page: string) =>
  [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));

describe.each(pages)('%s', (path) => {
  const page = read(path);

  it('links to what exists', () => {
    for (const link of linksOf(page)) {
      const [file, anchor] = link.split('#') as [string, string?];
      const target = file === '' ? path : join(dirname(path), file);
      expect(existsSync(join(root, target)), link).toBe(true);
      if (anchor) expect(anchorsOf(read(target)), link).toContain(anchor);
    }
  });

  it('wraps at 120 columns, code aside, and its table cells are no paragraphs', () => {
    const lines = withoutFences(page).split('\n');
    expect(lines.filter((line) => [...line].length > 120 && !/^(\|| {4})/.test(line))).toEqual([]);
    const cells = lines.filter((line) => line.startsWith('|')).flatMap((line) => line.split(/(?<!\\)\|/));
    expect(cells.filter((cell) => [...cell.trim()].length > 160)).toEqual([]);
  });
});

/** Names of all keys of settings that a program may be given, at any depth. */
function keysOf(settings: object): string[] {
  return Object.entries(settings).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? [key, ...keysOf(value)] : [key],
  );
}

/** The same of a schema: the names of its properties. */
function schemaKeysOf(schema: z.ZodType): string[] {
  const walk = (node: unknown): string[] =>
    typeof node !== 'object' || node === null
      ? []
      : Object.entries(node).flatMap(([key, value]) => [
          ...(key === 'properties' ? Object.keys(value as object) : []),
          ...walk(value),
        ]);
  return walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
}

const generatorKeys = () =>
  GENERATORS.names().flatMap((preset) =>
    keysOf(resolveGeneratorTraining([{ preset }], { data: 'a', side: 64 }, 'test')),
  );

const kebab = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

it.each([
  ['docs/training.md', schemaKeysOf(trainingConfigSchema), ['docs/mining.md', 'docs/data.md']],
  ['docs/generator.md', generatorKeys(), ['docs/data.md']],
  ['docs/experiment.md', schemaKeysOf(experimentConfigSchema), ['docs/training.md', 'docs/mining.md']],
] as const)('%s, with the pages that it refers to, names every setting', (path, keys, others) => {
  const text = [path, ...others].map(read).join('\n');
  const missing = keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text) && !text.includes(kebab(key)));
  expect(missing).toEqual([]);
});

it('docs/architecture.md names every package and every folder of core', () => {
  const page = read('docs/architecture.md');
  const folders = (path: string) =>
    readdirSync(join(root, path), { withFileTypes: true }).filter((each) => each.isDirectory());
  for (const { name } of [{ name: 'models' }, ...folders('packages')]) expect(page, name).toContain(`| \`${name}\` |`);
  for (const { name } of folders('packages/core/src')) expect(page, name).toContain(`| \`${name}/\` |`);
});

it('docs/training.md describes every architecture', () => {
  for (const name of ARCHITECTURES.names())
    expect(read('docs/training.md')).toMatch(new RegExp(`^\\| .*\`${name}\``, 'm'));
});

/** Settings of all strategies as a table of Markdown; strategies with the same setting share a row. */
function settingsTable(): string {
  const rows = new Map<string, string[]>();
  for (const strategy of STRATEGIES.values()) {
    for (const [name, schema] of Object.entries(settingsShapeOf(strategy))) {
      const { description, default: value } = z.toJSONSchema(schema as z.ZodType, { io: 'input' }) as {
        description?: string;
        default?: unknown;
      };
      const row = `\`${kebab(name)}\` | ${value === undefined ? '–' : `\`${value}\``} | ${description}`;
      rows.set(row, [...(rows.get(row) ?? []), strategy.name]);
    }
  }
  const lines = [...rows].map(([row, names]) => `| ${row.replace(/ \| /, ` | ${names.join(', ')} | `)} |`);
  return ['| flag | of | default | |', '|---|---|---|---|', ...lines].join('\n');
}

it('docs/mining.md lists the settings of every strategy, as they are', () => {
  const page = read('docs/mining.md');
  expect(page).toContain(settingsTable());
  for (const name of STRATEGIES.names()) expect(page).toContain(`| \`doppel mine ${name}\` |`);
});
