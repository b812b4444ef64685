/**
 * `pairs.jsonl`, the list of a data set: the first line holds the facts common to all patches, each further line is one
 * pair. docs/data.md describes the format. In version 1 a pair is two image files; version 2 is in scene_list.ts.
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
import { PROVENANCES } from './patch_pair.ts';
import {
  insidePath,
  type PairWindow,
  sceneSchema,
  type WindowRecord,
  windowExpander,
  windowRecordSchema,
} from './scene_list.ts';

export const PAIRS_FILE = 'pairs.jsonl';

const unit = z.enum(UNITS);
const bands = { sar: z.literal(1), optical: z.union([z.literal(1), z.literal(3)]) };

const common = {
  doppel: z.literal('pairs'),
  /** Width and height of every patch, in pixels. */
  side: z.int().positive(),
  /** Attribution and terms of use of the data. */
  attribution: z.string().optional(),
  /** Settings of the import, as a note for users; any JSON. */
  made: z.record(z.string(), z.json()).optional(),
};

const filesHeader = z.strictObject({
  ...common,
  version: z.literal(1),
  sar: z.strictObject({ unit, bands: bands.sar }),
  optical: z.strictObject({ unit, bands: bands.optical }),
});

/** Samples of scene files that are missing, as stored, besides those that the files name. */
const noData = z.array(z.number()).optional();

const windowsHeader = z.strictObject({
  ...common,
  version: z.literal(2),
  sar: z.strictObject({ unit, bands: bands.sar, noData }),
  optical: z.strictObject({ unit, bands: bands.optical, noData }),
  scenes: z.array(sceneSchema).refine(areDistinct, 'must have distinct ids'),
});

function areDistinct(scenes: readonly { id: string }[]): boolean {
  return new Set(scenes.map(({ id }) => id)).size === scenes.length;
}

export const headerSchema = z.discriminatedUnion('version', [filesHeader, windowsHeader]);
export type DatasetHeader = z.infer<typeof headerSchema>;
export type WindowsHeader = z.infer<typeof windowsHeader>;

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
/** A pair; of version 2, `sar` and `optical` are names of windows, not paths, and `window` says which. */
export type PairRecord = z.infer<typeof recordSchema> & { window?: PairWindow };

export interface PairsFile {
  header: DatasetHeader;
  records: PairRecord[];
}

/** @throws FormatError with the line where the text is no list of pairs. */
export function parsePairs(text: string, file: string): PairsFile {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  if (lines.at(-1)?.trim() === '') lines.pop();
  const header = parseLine(headerSchema, lines[0] ?? '', 'the header of a list of pairs (version 1 or 2)', file, 1);
  const lineOfId = new Map<string, number>();
  const knownCrs = new Set<string>();
  const readLine = header.version === 1 ? readRecord : windowReader(header);
  const records = lines.slice(1).map((content, i) => {
    const line = i + 2;
    const record = readLine(content, file, line);
    refuseTwice(record.id, lineOfId, file, line);
    refuseUnknownCrs(record.footprint?.crs, knownCrs, file, line);
    return record;
  });
  return { header, records };
}

const readRecord = (content: string, file: string, line: number): PairRecord =>
  parseLine(recordSchema, content, 'a pair', file, line);

function windowReader({ scenes, side }: WindowsHeader) {
  const expand = windowExpander(scenes, side);
  return (content: string, file: string, line: number): PairRecord => {
    const expanded = expand(parseLine(windowRecordSchema, content, 'a pair', file, line));
    if (typeof expanded === 'object') return expanded;
    const expected = 'a window of a scene of the header';
    throw new FormatError({ action: 'read', file, line, expected, found: expanded, remedy: 'Import the data again.' });
  };
}

export const formatPairs = (header: DatasetHeader, records: readonly PairRecord[]): string =>
  formatLines(header, header.version === 1 ? records : records.map(windowLine));

/** Text of a list. @param lines records of version 1, or windows. */
export const formatLines = (header: DatasetHeader, lines: readonly (PairRecord | WindowRecord)[]): string =>
  [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');

/** Line of a window: what its scene says is left out. */
function windowLine({ id, window, label, provenance }: PairRecord): WindowRecord {
  const { scene, column, row, copies } = window!;
  return { id, scene, column, row, label, provenance, ...(copies && { copies }) };
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
