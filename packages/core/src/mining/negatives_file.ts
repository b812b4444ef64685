/**
 * The file of negatives, `negatives.jsonl`. The first line is a header that says how they were found, each further line is
 * one negative, by reference into a data set:
 *
 *     {"doppel":"negatives","version":1,"strategy":"loss","split":"train","scale":"probability",…}
 *     {"sar":"050/12-7","optical":"050/3-9","score":0.93,"positiveScore":0.98,"probability":0.93,"rank":0,"reason":"…"}
 *
 * The header's strategy decides what the lines hold. Strategies for training only may list made patches, by their row in
 * `negatives.patches.safetensors` beside it (F32 [patches, side, side], prepared as `preparation` says), and with label 1
 * reconstructions G(E(x)):
 *
 *     {"doppel":"negatives","version":1,"strategy":"generated","split":"train","generatorFingerprint":…,"settings":{"rule":"sigma","strength":1}}
 *     {"optical":"050/3-9","patch":0,"label":0,"score":0.91,"positiveScore":0.98,"distance":0.42,"reason":"…"}
 *
 * A file belongs to one data set, whose fingerprint it carries, and to one split: what was mined for analysis in another
 * split than train is never read as training material.
 */

import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import { readSafetensors, writeSafetensors } from '../base/safetensors.ts';
import { sha256 } from '../base/sha256.ts';
import type { PairList, PairRecord } from '../dataset/dataset.ts';
import { dataDifference, isSameData } from '../dataset/fingerprint.ts';
import type { Split } from '../dataset/patch_pair.ts';
import { FormatError, SplitError } from '../errors.ts';
import type { MadePair, NegativeSet } from '../generator/made_patches.ts';
import { MOVE_RULES } from '../generator/moves.ts';
import type { PatchStack } from '../generator/patch_stack.ts';
import { folderOf, joinPath, nameOf, readText, type Store } from '../store.ts';
import {
  type MadeHeader,
  madeHeaderSchema,
  minedHeaderSchema,
  type Negative,
  type NegativesHeader,
} from './negatives.ts';
import { STRATEGIES } from './strategies.ts';
import type { Negatives } from './strategy.ts';

/** Header of any registered strategy. */
function headerSchema(): z.ZodType<NegativesHeader> {
  const named = (trainingOnly: boolean) =>
    z.enum(
      STRATEGIES.values()
        .filter((each) => each.trainingOnly === trainingOnly)
        .map(({ name }) => name),
    );
  return z.discriminatedUnion('strategy', [
    minedHeaderSchema.extend({ strategy: named(false) }),
    madeHeaderSchema.extend({ strategy: named(true) }),
  ]);
}

const lineSchema = z.object({
  /** Id of the record whose optical patch it is. */
  optical: z.string(),
  score: z.number(),
  positiveScore: z.number(),
  probability: z.number().min(0).max(1),
  rank: z.int().nonnegative(),
  reason: z.string(),
});

const minedLineSchema = lineSchema.extend({ sar: z.string() });

const madeLineSchema = lineSchema
  .extend({
    /** Id of a real SAR patch, or row of a made one. */
    sar: z.string().optional(),
    patch: z.int().nonnegative().optional(),
    label: z.union([z.literal(0), z.literal(1)]),
    distance: z.number().nonnegative().optional(),
    changed: z.number().min(0).max(1).optional(),
    rule: z.enum(MOVE_RULES).optional(),
    strength: z.number().optional(),
  })
  .refine(({ sar, patch }) => (sar === undefined) !== (patch === undefined), 'needs either "sar" or "patch"');

/** Path of the made patches of a file of negatives. */
export const patchesFile = (negatives: string): string =>
  joinPath(
    folderOf(negatives) === '.' ? '' : folderOf(negatives),
    `${nameOf(negatives).replace(/\.jsonl$/, '')}.patches.safetensors`,
  );

/** Contents by name: the file of negatives, and that of made patches if the strategy may have any. @param out path of the first. */
export async function writeNegatives(
  { header, negatives, patches }: Negatives,
  records: readonly PairRecord[],
  out: string,
): Promise<Map<string, Uint8Array | string>> {
  const text = (whole: NegativesHeader, lineOf: (negative: Negative) => object) =>
    [JSON.stringify(whole), ...negatives.map((negative) => JSON.stringify(lineOf(negative))), ''].join('\n');
  const idOf = (record: number) => records[record]!.id;
  if (!('preparation' in header))
    return new Map([[nameOf(out), text(header, (negative) => minedLine(negative, idOf))]]);
  const bytes = patchesBytes(header, patches ?? { data: new Float32Array(), side: header.preparation.side, count: 0 });
  const whole = { ...header, patches: { ...header.patches, fingerprint: await sha256(bytes) } };
  return new Map<string, Uint8Array | string>([
    [nameOf(out), text(whole, (negative) => madeLine(negative, idOf))],
    [nameOf(patchesFile(out)), bytes],
  ]);
}

type IdOf = (record: number) => string;

function minedLine(negative: Negative, idOf: IdOf): object {
  if (!('sar' in negative)) throw new RangeError('a made patch needs a strategy for training only');
  const { sar, optical, score, positiveScore, probability, rank, reason } = negative;
  return { sar: idOf(sar), optical: idOf(optical), score, positiveScore, probability, rank, reason };
}

function madeLine(negative: Negative, idOf: IdOf): object {
  const { optical, provenance: _, ...rest } = negative;
  return { optical: idOf(optical), ...rest, ...('sar' in negative && { sar: idOf(negative.sar) }) };
}

function patchesBytes(header: MadeHeader, { data, side, count }: PatchStack): Uint8Array {
  const used = data.slice(0, count * side * side) as Float32Array<ArrayBuffer>;
  return writeSafetensors(new Map([['patches', { dtype: 'F32', shape: [count, side, side], data: used }]]), {
    doppel: 'generated-patches',
    generator: header.generatorFingerprint ?? '',
    preparation: JSON.stringify(header.preparation),
  });
}

/**
 * Reads a file of negatives.
 *
 * @param split that they must come from.
 * @throws FormatError with the line if the file is broken, names an unknown record or was made for other data.
 * @throws SplitError if it was mined in another split, or a record of it is not in the split (any more).
 * @throws FileError if the made patches are missing.
 */
export async function readNegatives(
  store: Store,
  path: string,
  dataset: PairList,
  { split = 'train' }: { split?: Split } = {},
): Promise<NegativeSet> {
  const [first = '', ...lines] = (await readText(store, path)).replace(/\n$/, '').split('\n');
  const header = parseLine(headerSchema(), first, path, 1, 'the header of a file of negatives');
  refuseOtherData(header, dataset, path);
  refuseOtherSplit(header, split, path);
  const find = recordFinder(dataset, split, path);
  if ('preparation' in header) return readMade(store, path, header, lines, find);
  return {
    mined: lines.map((text, i) => {
      const { sar, optical, ...rest } = parseLine(minedLineSchema, text, path, i + 2, 'a mined negative');
      return { ...twoRecords(sar, optical, path, i + 2, find), label: 0, provenance: 'mined', ...rest };
    }),
  };
}

async function readMade(
  store: Store,
  path: string,
  header: MadeHeader,
  lines: readonly string[],
  find: FindRecord,
): Promise<NegativeSet> {
  const mined: { sar: number; optical: number }[] = [];
  const pairs: Record<0 | 1, MadePair[]> = { 0: [], 1: [] };
  lines.forEach((text, i) => {
    const line = i + 2;
    const read = parseLine(madeLineSchema, text, path, line, 'a negative');
    const { optical, sar, patch = 0, label, changed, score, positiveScore } = read;
    if (sar !== undefined) mined.push(twoRecords(sar, optical, path, line, find));
    else if (patch < header.patches.count)
      pairs[label].push({ optical: find(optical, line), patch, changed, score, positiveScore });
    else throw beyond(patch, header.patches.count, path, line);
  });
  if (header.patches.count === 0) return { mined };
  const { generatorFingerprint: generator, preparation: normalisation } = header;
  const patches = await readPatches(store, patchesFile(path), header);
  return { mined, generated: { generator, normalisation, patches, negatives: pairs[0], reconstructions: pairs[1] } };
}

function twoRecords(sar: string, optical: string, file: string, line: number, find: FindRecord) {
  const pair = { sar: find(sar, line), optical: find(optical, line) };
  if (pair.sar !== pair.optical) return pair;
  const found = `the true pair ${sar}`;
  throw new FormatError({ action: 'read', file, line, expected: 'two different records', found });
}

/** @throws FormatError for an unknown id. @throws SplitError for a record outside the split. */
type FindRecord = (id: string, line: number) => number;

function recordFinder(dataset: PairList, split: Split, file: string): FindRecord {
  const byId = new Map(dataset.records.map(({ id }, index) => [id, index]));
  const allowed = new Set(dataset.indicesOf(split));
  return (id, line) => {
    const index = byId.get(id);
    if (index === undefined) throw unknownRecord(id, dataset, file, line);
    if (!allowed.has(index)) throw outsideSplit(id, split, file, line);
    return index;
  };
}

function parseLine<T>(schema: z.ZodType<T>, text: string, file: string, line: number, expected: string): T {
  const remedy = 'Mine again by `doppel mine`.';
  const fail = (found: string, cause?: unknown) =>
    new FormatError({ action: 'read', file, line, expected, found, remedy, cause });
  return parseJson(schema, text, fail);
}

async function readPatches(store: Store, file: string, { patches, preparation }: MadeHeader): Promise<PatchStack> {
  const bytes = await store.read(file);
  const remedy = 'Restore the file that was written with the negatives, or make them again by `doppel mine`.';
  const fingerprint = await sha256(bytes);
  if (fingerprint !== patches.fingerprint) {
    const [expected, found] = [short(patches.fingerprint), short(fingerprint)];
    throw new FormatError({ action: 'use the made patches of', file, expected, found, remedy });
  }
  const tensor = readSafetensors(bytes, file).tensors.get('patches');
  const { side } = preparation;
  const shape = [patches.count, side, side].join(' × ');
  if (tensor?.dtype !== 'F32' || tensor.shape.join(' × ') !== shape) {
    const found = tensor ? `${tensor.dtype} ${tensor.shape.join(' × ')}` : 'no tensor of that name';
    throw new FormatError({ action: 'read', file, expected: `"patches" in F32, ${shape}`, found, remedy });
  }
  return { data: tensor.data as Float32Array, side, count: patches.count };
}

function refuseOtherData({ dataFingerprint }: NegativesHeader, dataset: PairList, file: string): void {
  if (isSameData(dataFingerprint, dataset.fingerprint)) return;
  throw new FormatError({
    action: 'use the negatives of',
    file,
    expected: `negatives mined in ${dataset.folder} as it is now`,
    found: `negatives mined in other data: ${dataDifference(dataFingerprint, dataset.fingerprint)}`,
    remedy: 'Mine again in this data set by `doppel mine`, or name the data set they were mined in.',
  });
}

function refuseOtherSplit(header: NegativesHeader, split: Split, file: string): void {
  if (header.split === split) return;
  throw new SplitError({
    action: `use the negatives of ${file} for the split "${split}"`,
    expected: `negatives mined in "${split}"`,
    found:
      'preparation' in header ? `negatives for training only` : `negatives mined in "${header.split}", for analysis`,
    remedy: `Mine in the split "${split}".`,
  });
}

function unknownRecord(id: string, dataset: PairList, file: string, line: number): FormatError {
  const expected = `the id of a pair in ${dataset.folder}`;
  return new FormatError({ action: 'read', file, line, expected, found: `"${id}"` });
}

function outsideSplit(id: string, split: Split, file: string, line: number): SplitError {
  return new SplitError({
    action: `use the negatives of ${file}, line ${line}`,
    expected: `pairs of the split "${split}"`,
    found: `"${id}", which is not in it`,
    remedy: 'The data set was split again since: mine again by `doppel mine`.',
  });
}

function beyond(patch: number, count: number, file: string, line: number): FormatError {
  return new FormatError({
    action: 'read',
    ...{ file, line },
    expected: `one of ${count} made patches`,
    found: `patch ${patch}`,
    remedy: 'Make them again by `doppel mine`.',
  });
}

const short = (fingerprint: string) => `fingerprint ${fingerprint.slice(0, 12)}…`;
