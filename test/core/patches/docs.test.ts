/** docs/data.md describes the formats; its examples must be what the readers accept. */
import { readFileSync } from 'node:fs';
import { AUDIT_LIMITS, REASONS } from '@doppel/core/patches/audit';
import { normalisationOptionsSchema } from '@doppel/core/patches/normalisation';
import { headerSchema, parsePairs, recordSchema } from '@doppel/core/patches/pairs_file';
import { parseSplits } from '@doppel/core/patches/splits_file';
import { expect, it } from 'vitest';

const page = readFileSync(new URL('../../../docs/data.md', import.meta.url), 'utf8');
const example = (language: string) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)![1]!;

it('docs/data.md shows a list of pairs and a split file as they are read', () => {
  expect(parsePairs(example('jsonl'), 'docs/data.md').records).toHaveLength(2);
  expect(parseSplits(example('json'), 'docs/data.md').splits.test).toEqual(['100']);
});

it('docs/data.md names every key, and its numbers are those of the code', () => {
  for (const key of [...Object.keys(headerSchema.shape), ...Object.keys(recordSchema.shape), ...REASONS]) {
    expect(page, key).toContain(`\`${key}`);
  }
  expect(AUDIT_LIMITS).toMatchObject({ flat: 0.02, noData: 0.05, saturated: 0.2, offset: 3, significance: 5 });
  expect(normalisationOptionsSchema.parse({}).sar.clipPercentiles).toEqual([0.5, 99.5]);
});
