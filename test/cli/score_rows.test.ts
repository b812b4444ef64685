/** Rows of scores as JSON lines and CSV. */

import { expect, it } from 'vitest';
import { formatRow, headOf, scoreRow } from '../../packages/cli/src/score_rows.ts';
import { PatchError } from '../../packages/core/src/errors.ts';

const pair = { line: 2, id: '1', sar: 'a,b.tif', optical: 'c.png', sarPath: 'x', opticalPath: 'y' };
const good = scoreRow(pair, { score: 1.5, probability: 0.75, match: true, threshold: 0.5 });
const bad = scoreRow(pair, new PatchError({ action: 'score the image', file: 'a "b"', found: 'noise' }));

it('a row is a score or an error', () => {
  expect(good).toEqual({
    id: '1',
    sar: 'a,b.tif',
    optical: 'c.png',
    score: 1.5,
    probability: 0.75,
    match: true,
    threshold: 0.5,
  });
  expect(bad).toEqual({
    id: '1',
    sar: 'a,b.tif',
    optical: 'c.png',
    error: 'Cannot score the image a "b": found noise.',
  });
});

it('JSON lines have no head', () => {
  expect(headOf('jsonl')).toBe('');
  expect(formatRow(good, 'jsonl')).toBe(`${JSON.stringify(good)}\n`);
});

it('CSV quotes what needs it', () => {
  expect(headOf('csv')).toBe('id,sar,optical,score,probability,match,threshold,error\n');
  expect(formatRow(good, 'csv')).toBe('1,"a,b.tif",c.png,1.5,0.75,true,0.5,\n');
  expect(formatRow(bad, 'csv')).toBe('1,"a,b.tif",c.png,,,,,"Cannot score the image a ""b"": found noise."\n');
});
