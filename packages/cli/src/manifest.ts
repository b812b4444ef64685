/**
 * A manifest lists pairs to score, one a line: JSON lines `{"sar": "a.tif", "optical": "b.png", "id": "1"}`, or CSV with a
 * header that names the columns `sar`, `optical` and, if wanted, `id`. Paths are relative to the manifest's folder and stay
 * inside it, unless the caller lets them lead anywhere. Manifests may be long: they are read line by line.
 */
import { FormatError, folderOf, joinPath, type Store } from '@doppel/core';
import { isInside } from '@doppel/core/dataset';

import { z } from 'zod';

export interface ManifestPair {
  /** Line number in the manifest, from 1. */
  line: number;
  id?: string | undefined;
  /** Date of the scenes, as the manifest gives it. */
  date?: string | undefined;
  /** Paths as the manifest gives them. */
  sar: string;
  optical: string;
  /** Paths for the store. */
  sarPath: string;
  opticalPath: string;
}

/** Name of a row. A blank one is none. */
export const idSchema = z
  .union([z.string(), z.number()])
  .nullable()
  .optional()
  .transform((id) => (id === null || String(id ?? '').trim() === '' ? undefined : String(id).trim()));

const pairSchema = z.object({
  sar: z.string().min(1),
  optical: z.string().min(1),
  date: z.string().optional(),
  id: idSchema,
});

/** Rows that a manifest may hold. */
export interface RowKind<T> {
  schema: z.ZodType<T>;
  /** Columns that a table must have, and all that it may have once only. */
  required: readonly string[];
  columns: readonly string[];
  /** Contents of a row, in words. */
  expected: string;
}

const PAIR_ROWS: RowKind<z.output<typeof pairSchema>> = {
  schema: pairSchema,
  required: ['sar', 'optical'],
  columns: ['sar', 'optical', 'id'],
  expected: 'the paths "sar" and "optical"',
};

/**
 * @param reach of the paths; `anywhere`: they may be absolute, or lead out of the manifest's folder.
 * @throws FormatError with the line that is broken or leaves the folder. @throws FileError if there is no file.
 */
export async function* readManifest(
  store: Store,
  file: string,
  reach: 'inside' | 'anywhere' = 'inside',
): AsyncGenerator<ManifestPair> {
  for await (const { line, row, fail } of readRows(store, file, PAIR_ROWS)) {
    const { sar, optical, id, date } = row;
    const inside = (given: string) => {
      const path = slashed(given);
      if (reach === 'anywhere' || isInside(path)) return joinPath(folderOf(file), path);
      throw fail('a path inside the folder of the manifest, relative to it', `"${path}"`);
    };
    yield {
      ...{ line, sar, optical, sarPath: inside(sar), opticalPath: inside(optical) },
      ...(id !== undefined && { id }),
      ...(date && { date }),
    };
  }
}

/** A path with the slashes of this system, also where Windows wrote it. */
export const slashed = (path: string): string => (path.includes('/') ? path : path.replaceAll('\\', '/'));

/** Rows of JSON lines or of a table, with their line from 1. Errors as `readManifest`. */
export async function* readRows<T>(
  store: Store,
  file: string,
  { schema, required, columns: known, expected }: RowKind<T>,
): AsyncGenerator<{ line: number; row: T; fail: Fail }> {
  const isCsv = /\.(csv|tsv)$/i.test(file);
  let delimiter = ',';
  let columns: string[] | undefined;
  for await (const { text, line } of linesOf(store, file)) {
    const isBlank =
      isCsv && columns ? text.replaceAll(delimiter, '').replaceAll('"', '').trim() === '' : text.trim() === '';
    if (isBlank) continue;
    const fail = (expected: string, found: string, cause?: unknown) =>
      new FormatError({ action: 'read the manifest', file, line, expected, found, cause });
    if (isCsv && !columns) {
      const named = /^sep=([,;\t])$/i.exec(text.trim())?.[1]; // a line of Excel's own before the header
      if (named === undefined) ({ delimiter, columns } = headerOf(text, { required, known }, fail));
      continue;
    }
    const raw = columns ? fromCsv(text, delimiter, columns, fail) : fromJson(text, fail);
    const parsed = schema.safeParse(raw);
    if (!parsed.success) throw fail(expected, z.prettifyError(parsed.error).replaceAll('\n', ' '), parsed.error);
    yield { line, row: parsed.data, fail };
  }
}

type Fail = (expected: string, found: string, cause?: unknown) => FormatError;

function fromJson(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail('a JSON object', text.length > 60 ? `${text.slice(0, 60)}…` : text, cause);
  }
}

function fromCsv(text: string, delimiter: string, columns: readonly string[], fail: Fail): Record<string, string> {
  const all = csvCells(text, delimiter);
  if (!all) throw fail('cells divided by commas, semicolons or tabs, quotes in pairs', `"${text}"`);
  const cells = all.filter((cell, i) => i < columns.length || cell !== ''); // spreadsheets write empty ones behind
  if (cells.length !== columns.length) throw fail(`${columns.length} cells`, String(all.length));
  return Object.fromEntries(columns.map((column, i) => [column, cells[i] as string]));
}

/** Spreadsheets write semicolons where the comma is the decimal point. */
const DELIMITERS = [',', ';', '\t'];

function headerOf(
  text: string,
  { required, known }: { required: readonly string[]; known: readonly string[] },
  fail: Fail,
): { delimiter: string; columns: string[] } {
  // A table of one column has no delimiter.
  const readings = DELIMITERS.filter((each) => text.includes(each) || required.length === 1).map((delimiter) => ({
    delimiter,
    columns: csvCells(text, delimiter)?.map((cell) => cell.trim().toLowerCase()) ?? [],
  }));
  const found = readings.find(({ columns }) => required.every((name) => columns.includes(name)));
  if (!found) {
    throw fail(`a header with the column${required.length > 1 ? 's' : ''} ${required.join(' and ')}`, `"${text}"`);
  }
  const twice = known.find((name) => found.columns.filter((each) => each === name).length > 1);
  if (twice !== undefined) throw fail('one column of each name', `"${twice}" twice`);
  return found;
}

/**
 * The cells of one line (RFC 4180, but for quoted line breaks); blanks around them are left out. Undefined if quotes do
 * not match.
 */
function csvCells(text: string, delimiter: string): string[] | undefined {
  const cells: string[] = [];
  const cell = new RegExp(`(?:[^\\S\\t]*"((?:[^"]|"")*)"[^\\S\\t]*|([^"${delimiter}]*))(${delimiter}|$)`, 'y');
  for (;;) {
    const match = cell.exec(text);
    if (!match) return undefined;
    cells.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string).trim());
    if (match[3] === '') return cells;
  }
}

const CHUNK = 2 ** 16;

/** Lines with their numbers from 1, read chunk by chunk; a byte-order mark and carriage returns are left out. */
async function* linesOf(store: Store, file: string): AsyncGenerator<{ text: string; line: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let [offset, rest, line] = [0, '', 0];
  for (;;) {
    const bytes = await store.readRange(file, offset, CHUNK);
    offset += bytes.length;
    const isEnd = bytes.length < CHUNK;
    const lines = (rest + decoded(decoder, bytes, !isEnd, file)).split('\n');
    rest = isEnd ? '' : (lines.pop() as string);
    for (const text of lines) yield { text: text.replace(/\r$/, ''), line: ++line };
    if (isEnd) return;
  }
}

function decoded(decoder: TextDecoder, bytes: Uint8Array, stream: boolean, file: string): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (cause) {
    throw new FormatError({
      ...{ action: 'read the manifest', file, expected: 'text in UTF-8', found: 'bytes of another encoding', cause },
      remedy: 'Save it as "CSV UTF-8".',
    });
  }
}
