/**
 * negatives.jsonl: what mining found, by reference into a data set. The first line says how it was mined, each further
 * line is one negative:
 *
 *     {"doppel":"negatives","version":1,"strategy":"loss","split":"train","scale":"probability",…}
 *     {"sar":"050/12-7","optical":"050/3-9","score":0.93,"positiveScore":0.98,"probability":0.93,"rank":0,"reason":"…"}
 *
 * A file belongs to one data set, whose fingerprint it carries, and to one split: negatives that were mined for analysis
 * in the validation or test split never come out of `readNegatives` as training material.
 */
import { z } from 'zod';
import { type PairReference, SPLITS, type Split } from '../dataset/patch_pair.ts';
import { FormatError, SplitError } from '../errors.ts';
import { readText, type Store } from '../store.ts';
import { SAMPLINGS } from './select.ts';
import { SCALES, STRATEGIES } from './strategy.ts';

export const negativesHeaderSchema = z.object({
  doppel: z.literal('negatives'),
  version: z.literal(1),
  strategy: z.enum(STRATEGIES),
  split: z.enum(SPLITS),
  /** What `score` and `positiveScore` mean. */
  scale: z.enum(SCALES),
  /** Of the data set and of the checkpoint: SHA-256 as hex. */
  dataFingerprint: z.string(),
  modelFingerprint: z.string(),
  seed: z.int(),
  k: z.int().positive(),
  sampling: z.enum(SAMPLINGS),
  maxCandidates: z.int().positive(),
  maxUses: z.int().positive(),
  /** Patch sides around an anchor from which nothing is taken. */
  guardMargin: z.number().nonnegative(),
  /** The rules in force, by name. */
  rules: z.record(z.string(), z.number()),
});
export type NegativesHeader = z.infer<typeof negativesHeaderSchema>;

const lineSchema = z.object({
  /** Ids of records: whose SAR patch, with whose optical patch. */
  sar: z.string(),
  optical: z.string(),
  score: z.number(),
  positiveScore: z.number(),
  probability: z.number().min(0).max(1),
  rank: z.int().nonnegative(),
  reason: z.string(),
});

/** The SAR patch of one record with the optical patch of another, which show different ground. */
export interface MinedNegative extends PairReference {
  label: 0;
  provenance: 'mined';
  /** On the scale of the strategy. */
  score: number;
  /** The same of the anchor's true pair. */
  positiveScore: number;
  /** The matcher's calibrated probability that this negative is a match: how hard it is. */
  probability: number;
  /** Among the candidates that the guard allowed, 0 the hardest; the place in a random order for `random`. */
  rank: number;
  /** Why it was chosen, for people. */
  reason: string;
}

/** What must be known of a data set; `Dataset` has it. */
export interface MinedDataset {
  folder: string;
  fingerprint: string;
  records: readonly { id: string }[];
  indicesOf(split: Split): number[];
}

export function writeNegatives(
  header: NegativesHeader,
  negatives: readonly MinedNegative[],
  records: readonly { id: string }[],
): string {
  const lines = negatives.map(({ sar, optical, score, positiveScore, probability, rank, reason }) =>
    JSON.stringify({
      sar: records[sar]!.id,
      optical: records[optical]!.id,
      ...{ score, positiveScore, probability, rank, reason },
    }),
  );
  return [JSON.stringify(header), ...lines, ''].join('\n');
}

export interface ReadOptions {
  /** The split that the negatives must come from; default `train`. */
  split?: Split;
}

/**
 * The negatives of a file, as references into the data set.
 *
 * @throws FormatError with the line where the file is broken, names an unknown record or was mined in other data.
 * @throws SplitError where it was mined in another split, or a record of it is not in the split (any more).
 */
export async function readNegatives(
  store: Store,
  path: string,
  dataset: MinedDataset,
  options: ReadOptions = {},
): Promise<MinedNegative[]> {
  const { split = 'train' } = options;
  const lines = (await readText(store, path)).split('\n');
  if (lines.at(-1) === '') lines.pop();
  refuseMade(lines[0] ?? '', path);
  const header = parseLine(negativesHeaderSchema, lines[0] ?? '', path, 1, 'the header of a file of negatives');
  refuseOtherData(header, dataset, path);
  refuseOtherSplit(header.split, split, path);
  const find = recordFinder(dataset, split, path);

  return lines.slice(1).map((text, i) => {
    const line = i + 2;
    const { sar, optical, ...rest } = parseLine(lineSchema, text, path, line, 'a mined negative');
    const pair = { sar: find(sar, line), optical: find(optical, line) };
    if (pair.sar === pair.optical) {
      const found = `the true pair ${sar}`;
      throw new FormatError({ action: 'read', file: path, line, expected: 'two different records', found });
    }
    return { ...pair, label: 0, provenance: 'mined', ...rest };
  });
}

/** Finds records by id. What it returns throws FormatError for an unknown id, SplitError for a record outside of the split. */
export function recordFinder(dataset: MinedDataset, split: Split, file: string): (id: string, line: number) => number {
  const byId = new Map(dataset.records.map(({ id }, index) => [id, index]));
  const allowed = new Set(dataset.indicesOf(split));
  return (id, line) => {
    const index = byId.get(id);
    if (index === undefined) throw unknownRecord(id, dataset, file, line);
    if (!allowed.has(index)) throw outsideSplit(id, split, file, line);
    return index;
  };
}

/** Made patches are for training only, where `readTrainingNegatives` reads them. */
function refuseMade(header: string, file: string): void {
  const strategy = /"strategy":\s*"(generated|adaptive)"/.exec(header)?.[1];
  if (!strategy) return;
  throw new SplitError({
    action: `use the negatives of ${file} as real patches`,
    expected: 'negatives mined among real patches',
    found: `the strategy ${strategy}, whose patches are made by a generator`,
    remedy: 'Made patches are for training only: give them to `doppel train --negatives`.',
  });
}

export function parseLine<T>(schema: z.ZodType<T>, text: string, file: string, line: number, expected: string): T {
  const remedy = 'Mine again by `doppel mine`.';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const found = text === '' ? 'an empty line' : `no JSON: ${text.slice(0, 60)}`;
    throw new FormatError({ action: 'read', file, line, expected, found, remedy, cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const found = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new FormatError({ action: 'read', file, line, expected, found, remedy, cause: parsed.error });
}

export function refuseOtherData(
  header: Pick<NegativesHeader, 'dataFingerprint'>,
  dataset: MinedDataset,
  file: string,
): void {
  if (header.dataFingerprint === dataset.fingerprint) return;
  throw new FormatError({
    action: 'use the negatives of',
    file,
    expected: `negatives mined in ${dataset.folder} (${short(dataset.fingerprint)})`,
    found: `negatives mined in other data (${short(header.dataFingerprint)})`,
    remedy: 'Mine again in this data set by `doppel mine`, or name the data set they were mined in.',
  });
}

function refuseOtherSplit(found: Split, split: Split, file: string): void {
  if (found === split) return;
  throw new SplitError({
    action: `use the negatives of ${file} for the split "${split}"`,
    expected: `negatives mined in "${split}"`,
    found: `negatives mined in "${found}", for analysis`,
    remedy: `Mine in the split "${split}".`,
  });
}

function unknownRecord(id: string, dataset: MinedDataset, file: string, line: number): FormatError {
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

const short = (fingerprint: string) => `fingerprint ${fingerprint.slice(0, 12)}…`;
