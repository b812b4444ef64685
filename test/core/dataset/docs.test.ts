/** docs/data.md describes the formats; its examples must be what the readers accept. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { headerSchema, parsePairs, recordSchema } from '../../../packages/core/src/dataset/pairs_file.ts';
import { sceneFileSchema, sceneSchema, windowRecordSchema } from '../../../packages/core/src/dataset/scene_list.ts';
import { parseSplits } from '../../../packages/core/src/dataset/splits_file.ts';
import { AUDIT_LIMITS, REASONS } from '../../../packages/core/src/inspect/audit.ts';
import { normalisationOptionsSchema } from '../../../packages/core/src/prepare/fit_normalisation.ts';

const page = readFileSync(new URL('../../../docs/data.md', import.meta.url), 'utf8');
const example = (language: string) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)![1]!;

it('docs/data.md shows a list of pairs and a split file as they are read', () => {
  expect(parsePairs(example('jsonl'), 'docs/data.md').records).toHaveLength(2);
  expect(parsePairs(example('jsonl windows'), 'docs/data.md').records[0]!.footprint!.bounds[0]).toBe(-13192766.49);
  expect(parseSplits(example('json'), 'docs/data.md').splits.test).toEqual(['100']);
});

it('docs/data.md names every key, and its numbers are those of the code', () => {
  const schemas = [...headerSchema.options, recordSchema, sceneSchema, sceneFileSchema, windowRecordSchema];
  for (const key of [...schemas.flatMap(({ shape }) => Object.keys(shape)), ...REASONS]) {
    expect(page, key).toContain(`\`${key}`);
  }
  expect(AUDIT_LIMITS).toMatchObject({ flat: 0.02, noData: 0.05, saturated: 0.2, offset: 3, significance: 5 });
  expect(normalisationOptionsSchema.parse({}).sar.clipPercentiles).toEqual([0.5, 99.5]);
});
