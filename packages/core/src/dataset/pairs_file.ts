/**
 * `pairs.jsonl`, the list of a data set: the first line holds the facts common to all patches, each further line is one
 * pair. docs/data.md describes the format.
 *
 *     {"doppel":"pairs","version":1,"side":64,"sar":{"unit":"amplitude","bands":1},"optical":{"unit":"digital number","bands":3}}
 *     {"id":"050/0-0","sar":"patches/050/0-0.sar.png","optical":"patches/050/0-0.optical.png","group":"050","label":1,"provenance":"real"}
 */

import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import { FormatError } from '../errors.ts';
import type { Footprint } from '../geo/footprint.ts';
import { crsProblem } from '../geo/reference_system.ts';
import { UNITS } from '../raster/raster.ts';
import { isInside } from './inside.ts';
import { PROVENANCES } from './patch_pair.ts';

export const PAIRS_FILE = 'pairs.jsonl';

export const headerSchema = z.strictObject({
  doppel: z.literal('pairs'),
  version: z.literal(1),
  /** Width and height of every patch, in pixels. */
  side: z.int().positive(),
  sar: z.strictObject({ unit: z.enum(UNITS), bands: z.literal(1) }),
  optical: z.strictObject({ unit: z.enum(UNITS), bands: z.union([z.literal(1), z.literal(3)]) }),
  /** Attribution and terms of use of the data. */
  attribution: z.string().optional(),
  /** Settings of the import, as a note for users; any JSON. */
  made: z.record(z.string(), z.json()).optional(),
});
export type DatasetHeader = z.infer<typeof headerSchema>;

const insidePath = z.string().refine(isInside, 'must be a relative path that stays inside the folder');

const footprintSchema = z
  .strictObject({
    crs: z.string().min(1),
    bounds: z
      .tuple([z.number(), z.number(), z.number(), z.number()])
      .refine(([minX, minY, maxX, maxY]) => minX < maxX && minY < maxY, 'must be [min x, min y, max x, max y]'),
  })
  .transform((footprint): Footprint => footprint);

export const recordSchema = z.strictObject({
  /** Unique in the file. */
  id: z.string().min(1),
  /** Paths of the two patches, relative to the folder. */
  sar: insidePath,
  optical: insidePath,
  /** The place: pairs of one group never part between splits. */
  group: z.string().min(1),
  /** 1: both patches show the same ground; 0: they do not. */
  label: z.union([z.literal(0), z.literal(1)]),
  provenance: z.enum(PROVENANCES),
  footprint: footprintSchema.optional(),
  /** Source of the patches: file names, and the upper left pixel on the common grid. */
  source: z
    .strictObject({
      sar: z.string(),
      optical: z.string(),
      column: z.int().optional(),
      row: z.int().optional(),
    })
    .optional(),
});
export type PairRecord = z.infer<typeof recordSchema>;

export interface PairsFile {
  header: DatasetHeader;
  records: PairRecord[];
}

/** @throws FormatError with the line where the text is no list of pairs. */
export function parsePairs(text: string, file: string): PairsFile {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.at(-1)?.trim() === '') lines.pop();
  const header = parseLine(headerSchema, lines[0] ?? '', 'the header of a list of pairs (version 1)', file, 1);
  const lineOfId = new Map<string, number>();
  const knownCrs = new Set<string>();
  const records = lines.slice(1).map((content, i) => {
    const line = i + 2;
    const record = parseLine(recordSchema, content, 'a pair', file, line);
    refuseTwice(record.id, lineOfId, file, line);
    refuseUnknownCrs(record.footprint?.crs, knownCrs, file, line);
    return record;
  });
  return { header, records };
}

export function formatPairs(header: DatasetHeader, records: readonly PairRecord[]): string {
  return [header, ...records].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function parseLine<T>(schema: z.ZodType<T>, text: string, expected: string, file: string, line: number): T {
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read', file, line, expected, found, cause },
      remedy: 'Correct the line (docs/data.md describes the format), or import the data again.',
    });
  return parseJson(schema, text, fail);
}

function refuseTwice(id: string, lineOfId: Map<string, number>, file: string, line: number): void {
  const before = lineOfId.get(id);
  lineOfId.set(id, line);
  if (before === undefined) return;
  throw new FormatError({
    ...{ action: 'read', file, line, expected: 'a unique id', found: `"${id}", the id of line ${before}` },
    remedy: 'Give each pair another id.',
  });
}

function refuseUnknownCrs(crs: string | undefined, known: Set<string>, file: string, line: number): void {
  if (crs === undefined || known.has(crs)) return;
  const problem = crsProblem(crs);
  known.add(crs);
  if (problem === undefined) return;
  throw new FormatError({
    ...{ action: 'read', file, line, expected: 'a footprint in a reference system that proj4 understands' },
    found: `"${crs}" (${problem})`,
  });
}
