import { describe, expect, it } from 'vitest';
import { COMMON, type Command, isGroup } from '../../packages/cli/src/command.ts';
import { readCommandLine } from '../../packages/cli/src/command_line.ts';
import { DOPPEL } from '../../packages/cli/src/commands.ts';
import { find } from '../../packages/cli/src/dispatch.ts';
import { flagInfo } from '../../packages/cli/src/flags.ts';

/** Every command of the tree by the words that lead to it. */
async function allOf(entry = DOPPEL, path: readonly string[] = []): Promise<[string, Command][]> {
  const found: [string, Command][] = [];
  const node = await entry.load();
  if (!isGroup(node)) return [[path.join(' '), node]];
  for (const [word, child] of Object.entries(node.commands)) {
    expect(child.description).toMatch(/^\S.*[^.]$/);
    expect(node.name).toBe(['doppel', ...path].join(' '));
    found.push(...(await allOf(child, [...path, word])));
  }
  return found;
}

/** Words as a shell gives them; single quotes hold a word together. */
const wordsOf = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

describe.each(await allOf())('doppel %s', (path, command) => {
  const { name, words, flags, examples } = command;

  it('is named as it is typed, and describes itself and each flag', () => {
    expect(name).toBe(`doppel ${path}`);
    for (const [key, schema] of Object.entries({ ...words, ...flags })) {
      const { description, spelling } = flagInfo(key, schema);
      expect(description, spelling).toMatch(/^\S.*[^.]$/);
      expect(spelling).toMatch(/^--[a-z0-9-]+$/);
    }
  });

  it('has examples, each of which it can read', async () => {
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const all = wordsOf(example);
      const [doppel, ...typed] = all[0] === 'mpirun' ? all.slice(all.indexOf('doppel')) : all;
      expect(doppel).toBe('doppel');
      const { node, rest } = await find(DOPPEL, typed);
      if (!isGroup(node)) expect(node.name).toBe(name);
      const known = { words, flags: { ...flags, ...COMMON } };
      expect(() => readCommandLine(name, known, rest)).not.toThrow();
    }
  });
});
