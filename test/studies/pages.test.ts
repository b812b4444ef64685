/** Every study is complete, and the tables of its page hold the figures of its results.json. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pages, withTables } from '../../studies/tables.mjs';

const root = new URL('../../studies/', import.meta.url).pathname;
const studies = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const index = readFileSync(join(root, 'README.md'), 'utf8');

it.each(studies)('%s is dated, listed in the index and has a page and a configuration', (name) => {
  expect(name).toMatch(/^\d{4}-\d{2}-\d{2}-[a-z-]+$/);
  expect(index).toContain(`](${name}/README.md)`);
  expect(existsSync(join(root, name, 'README.md'))).toBe(true);
  expect(readdirSync(join(root, name)).some((file) => file.endsWith('.yaml'))).toBe(true);
});

it('every page with results shows them', () => {
  for (const name of studies.filter((each) => existsSync(join(root, each, 'results.json')))) {
    expect(readFileSync(join(root, name, 'README.md'), 'utf8'), name).toMatch(
      /<!-- table (look-alikes|rungs) -->\n\n\| (labels|rung) /,
    );
  }
});

it.each(pages)('the tables of %s are those of its results', (folder) => {
  expect(withTables(folder)).toBe(readFileSync(join(folder, 'README.md'), 'utf8'));
});
