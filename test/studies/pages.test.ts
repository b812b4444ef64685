/** docs/experiment.md says what its results.json say: its tables are those that scripts/experiment_page.mjs writes. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withTables } from '../../scripts/experiment_page.mjs';

const docs = new URL('../../docs/', import.meta.url).pathname;

it('holds the tables of the results as they are', () => {
  const page = readFileSync(`${docs}experiment.md`, 'utf8');
  expect(page).toMatch(/<!-- tables of \S+ -->\n\n\| arm /);
  expect(page).toMatch(/<!-- summary of [^>]+ -->\n\n\| less the baseline, points \|/);
  expect(page).toMatch(/<!-- means of \S+ -->\n\n\| less the baseline \|/);
  expect(withTables(page, docs)).toBe(page);
});
