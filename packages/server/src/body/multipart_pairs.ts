/**
 * Pairs as multipart/form-data: image files in the fields `sar` and `optical`, paired by their order; or in `sar[0]`,
 * `optical[0]`, `sar[1]` …, paired by number, so that a missing half costs its own pair only. `id` (or `id[0]`) names a
 * pair, `sarUnit` is the unit of all SAR images.
 */
import { UNITS, type Unit } from '@doppel/core/raster';
import { getMultipartBoundary, type MultipartPart, parseMultipart } from '@remix-run/multipart-parser';
import { explain, type ProblemError, problemError } from '../problem.ts';
import type { ImageInput } from '../scoring/scoring_service.ts';
import { brokenItem, type Item, MAX_ID_LENGTH, requireCount } from './items.ts';
import type { Limits } from './limits.ts';

/** A file of the form. */
export interface UploadedFile {
  name: string | undefined;
  bytes: Uint8Array;
}

export type Value = string | UploadedFile;
type PartName = 'sar' | 'optical' | 'id';
type Parts = { [name in PartName]?: Value };

const FORM = 'files in "sar" and "optical", repeated for many pairs, or in "sar[0]", "optical[0]", …';

/** Items of a form. @throws ProblemError if the form cannot be understood, or holds too many pairs. */
export function multipartPairs(bytes: Uint8Array, contentType: string, limits: Limits): Item[] {
  const fields = fieldsOf(parseForm(bytes, contentType));
  const pairs = fields.numbered.size > 0 ? byNumber(fields) : byOrder(fields, limits);
  requireCount(pairs.length, limits);
  return pairs.map(({ position, parts }) => itemOf(parts, position, fields.sarUnit));
}

/** Fields and files by name, in the order of the body; names unquoted and `filename*` as .NET writes them, too. */
export function parseForm(bytes: Uint8Array, contentType: string): [string, Value][] {
  try {
    const boundary = getMultipartBoundary(contentType);
    if (!boundary) throw new Error('the content type names no boundary');
    // The body is in memory already, within the limit on its size.
    const limits = { maxFileSize: bytes.length, maxTotalSize: bytes.length, maxParts: Number.POSITIVE_INFINITY };
    return [...parseMultipart(withoutPreamble(bytes, boundary), { boundary, ...limits })].map(fieldOf);
  } catch (cause) {
    throw malformed('multipart/form-data', `a body that does not parse (${(cause as Error).message})`);
  }
}

const fieldOf = (part: MultipartPart): [string, Value] => [
  part.name ?? '',
  part.isFile ? { name: part.filename, bytes: part.bytes } : part.text,
];

/** The body from its first delimiter on: what stands before it is to be ignored (RFC 2046, section 5.1.1). */
function withoutPreamble(bytes: Uint8Array, boundary: string): Uint8Array {
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  if (delimiter.subarray(2).every((byte, i) => bytes[i] === byte)) return bytes;
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (delimiter.every((byte, i) => bytes[at + i] === byte)) return bytes.subarray(at + 2);
  }
  return bytes;
}

interface Fields {
  /** Fields without a number, in the order of the body. */
  plain: Record<PartName, Value[]>;
  numbered: Map<number, Parts>;
  sarUnit: Unit | undefined;
}

const NAME = /^(sar|optical|id)(?:\[(\d{0,9})\])?$/;

function fieldsOf(form: readonly [string, Value][]): Fields {
  const fields: Fields = { plain: { sar: [], optical: [], id: [] }, numbered: new Map(), sarUnit: undefined };
  for (const [field, value] of form) {
    if (field === 'sarUnit') {
      fields.sarUnit = unitOf(value);
      continue;
    }
    const [, name, number] = NAME.exec(field) ?? [];
    if (!name) throw malformed(FORM, `a field "${field.slice(0, 60)}"`);
    if (number) addNumbered(fields.numbered, name as PartName, Number(number), value);
    else fields.plain[name as PartName].push(value);
  }
  return fields;
}

function addNumbered(numbered: Map<number, Parts>, name: PartName, number: number, value: Value): void {
  const parts = numbered.get(number) ?? {};
  if (name in parts) throw malformed('each numbered field once', `"${name}[${number}]" twice`);
  parts[name] = value;
  numbered.set(number, parts);
}

/** @throws ProblemError for another text. */
export function unitOf(value: Value, field = 'sarUnit'): Unit {
  if ((UNITS as readonly unknown[]).includes(value)) return value as Unit;
  throw malformed(`one of ${UNITS.join(', ')} as "${field}"`, typeof value === 'string' ? `"${value}"` : 'a file');
}

interface Position {
  position: number;
  parts: Parts;
}

function byNumber({ plain, numbered }: Fields): Position[] {
  if (plain.sar.length + plain.optical.length + plain.id.length > 0) {
    throw malformed('fields that all have numbers, or none of them', 'both kinds');
  }
  return [...numbered].sort(([a], [b]) => a - b).map(([position, parts]) => ({ position, parts }));
}

/** Pairs the fields by their order. The counts must agree: without numbers, a missing half cannot be found. */
function byOrder({ plain: { sar, optical, id } }: Fields, limits: Limits): Position[] {
  requireCount(Math.max(sar.length, optical.length), limits);
  if (sar.length !== optical.length) {
    const found = `${sar.length} "sar" and ${optical.length} "optical"`;
    throw malformed('as many files in "sar" as in "optical", or numbered fields', found);
  }
  if (id.length > 0 && id.length !== sar.length) {
    throw malformed('an "id" for each pair, or for none', `${id.length} for ${sar.length} pairs`);
  }
  return sar.map((each, position) => {
    const parts: Parts = { sar: each, optical: optical[position]! };
    const name = id[position];
    return { position, parts: name === undefined ? parts : { ...parts, id: name } };
  });
}

function itemOf(parts: Parts, position: number, sarUnit: Unit | undefined): Item {
  const id = parts.id ?? `${position}`;
  if (typeof id !== 'string' || id.length > MAX_ID_LENGTH) {
    const found = typeof id === 'string' ? `${id.length}` : 'a file';
    return brokenItem(`${position}`, explain('use the id', `text of at most ${MAX_ID_LENGTH} characters`, found));
  }
  for (const name of ['sar', 'optical'] as const) {
    const part = parts[name];
    if (part === undefined || typeof part === 'string')
      return brokenItem(id, { ...missingFile(name, part), file: name });
  }
  const file = (name: 'sar' | 'optical', unit?: Unit) => imageOf(parts[name] as UploadedFile, name, unit);
  return { id, pair: { sar: file('sar', sarUnit), optical: file('optical') } };
}

function missingFile(name: string, part: string | undefined) {
  const found = part === undefined ? 'no such field' : `the text "${part.slice(0, 40)}"`;
  return explain('read the pair', `an image file in "${name}"`, found, `With curl: -F ${name}=@FILE, with the @.`);
}

export function imageOf(file: UploadedFile, fallback: string, unit: Unit | undefined): ImageInput {
  const name = file.name && file.name !== 'blob' ? file.name.slice(0, MAX_ID_LENGTH) : fallback;
  return { kind: 'file', name, bytes: file.bytes.slice(), ...(unit && { unit }) };
}

function malformed(expected: string, found: string): ProblemError {
  return problemError('malformed-request', explain('read the form', expected, found));
}
