/**
 * Files of negatives that hold made patches. `negatives.jsonl` begins with a header as other files of negatives do; each
 * further line pairs the optical patch of a record either with a made SAR patch or (strategy `adaptive`) with a real one:
 *
 *     {"doppel":"negatives","version":1,"strategy":"generated","split":"train","generatorFingerprint":…,"settings":{"rule":"sigma","strength":1}}
 *     {"optical":"050/3-9","patch":0,"label":0,"score":0.91,"positiveScore":0.98,"distance":0.42,"reason":"…"}
 *     {"optical":"050/3-9","sar":"050/12-7","label":0,…}
 *
 * The made patches lie beside it in `negatives.patches.safetensors`, F32 [patches, side, side], prepared as the header's
 * `preparation` says: ready for a matcher of that normalisation, and for no other. Label 1 marks reconstructions G(E(x)).
 *
 * Such a file is for training only. It is always of the train split; nothing but `readTrainingNegatives` reads it.
 */
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../base/safetensors.ts';
import { sha256 } from '../base/sha256.ts';
import { FormatError } from '../errors.ts';
import { LATENT_RULES } from '../generator/latent.ts';
import type { NegativeSet, PatchStack } from '../generator/made_patches.ts';
import { MATCHES } from '../generator/match_histogram.ts';
import { normalisationSchema } from '../prepare/normalisation.ts';
import { folderOf, joinPath, nameOf, readText, type Store } from '../store.ts';
import {
  type MinedDataset,
  type MinedNegative,
  parseLine,
  readNegatives,
  recordFinder,
  refuseOtherData,
} from './negatives_file.ts';

export const MADE_STRATEGIES = ['generated', 'adaptive'] as const;
export type MadeStrategy = (typeof MADE_STRATEGIES)[number];

export const madeHeaderSchema = z.object({
  doppel: z.literal('negatives'),
  version: z.literal(1),
  strategy: z.enum(MADE_STRATEGIES),
  split: z.literal('train'),
  /** What `score` and `positiveScore` mean. */
  scale: z.literal('probability'),
  /** Of data set, matcher and generator: SHA-256 as hex; null where no patch was made. */
  dataFingerprint: z.string(),
  modelFingerprint: z.string(),
  generatorFingerprint: z.string().nullable(),
  /** How many were made, and the SHA-256 of their file. */
  patches: z.object({ count: z.int().nonnegative(), fingerprint: z.string() }),
  /** How they are prepared: the part of the matcher's normalisation that SAR patches depend on. */
  preparation: z.object({ side: normalisationSchema.shape.side, sar: normalisationSchema.shape.sar }),
  seed: z.int(),
  k: z.int().positive(),
  match: z.enum(MATCHES),
  /** Of the strategy: rule and strength, or those of `adaptive`. */
  settings: z.record(z.string(), z.json()),
});
export type MadeHeader = z.infer<typeof madeHeaderSchema>;

const lineSchema = z
  .object({
    /** Ids of records; either `sar` or `patch` (a row of the made ones) goes with `optical`. */
    optical: z.string(),
    sar: z.string().optional(),
    patch: z.int().nonnegative().optional(),
    label: z.union([z.literal(0), z.literal(1)]),
    score: z.number(),
    positiveScore: z.number(),
    probability: z.number().min(0).max(1),
    rank: z.int().nonnegative(),
    /** Of a made patch from the true one. */
    distance: z.number().nonnegative().optional(),
    rule: z.enum(LATENT_RULES).optional(),
    strength: z.number().optional(),
    reason: z.string(),
  })
  .refine(({ sar, patch }) => (sar === undefined) !== (patch === undefined), 'needs either "sar" or "patch"');

/** A made SAR patch with the optical patch of the record that it was made from. */
export interface MadeNegative {
  /** Record of the optical patch, and of the SAR patch that the made one came from. */
  optical: number;
  /** Row of the stack. */
  patch: number;
  /** 1 for a reconstruction, which serves as a positive. */
  label: 0 | 1;
  provenance: 'generated';
  /** The matcher's calibrated probability of a match, as are the two below. */
  score: number;
  positiveScore: number;
  probability: number;
  rank: number;
  /** From the true patch; see patch_distance.ts. */
  distance: number;
  reason: string;
}

export const patchesFile = (negatives: string): string =>
  joinPath(
    folderOf(negatives) === '.' ? '' : folderOf(negatives),
    `${nameOf(negatives).replace(/\.jsonl$/, '')}.patches.safetensors`,
  );

/** Content by name of the two files that make a file of negatives. @param out path of the first. */
export async function writeMade(
  header: MadeHeader,
  negatives: readonly (MadeNegative | MinedNegative)[],
  { data, side, count }: PatchStack,
  records: readonly { id: string }[],
  out: string,
): Promise<Map<string, Uint8Array | string>> {
  const used = data.slice(0, count * side * side) as Float32Array<ArrayBuffer>;
  const bytes = writeSafetensors(new Map([['patches', { dtype: 'F32', shape: [count, side, side], data: used }]]), {
    doppel: 'generated-patches',
    generator: header.generatorFingerprint ?? '',
    preparation: JSON.stringify(header.preparation),
  });
  const whole: MadeHeader = { ...header, patches: { count, fingerprint: await sha256(bytes) } };
  const lines = negatives.map((negative) => {
    const { optical, provenance: _, ...rest } = negative;
    const sar = 'sar' in negative ? { sar: records[negative.sar]!.id } : {};
    return JSON.stringify({ optical: records[optical]!.id, ...rest, ...sar });
  });
  return new Map<string, Uint8Array | string>([
    [nameOf(out), [JSON.stringify(whole), ...lines, ''].join('\n')],
    [nameOf(patchesFile(out)), bytes],
  ]);
}

/**
 * The negatives of a file for training, whether mined among real patches or made.
 *
 * @throws FormatError with the line where the file is broken, names an unknown record, or was made for other data.
 * @throws SplitError where a record of it is not in the train split. @throws FileError where the patches are missing.
 */
export async function readTrainingNegatives(store: Store, path: string, dataset: MinedDataset): Promise<NegativeSet> {
  const lines = (await readText(store, path)).split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (!isMade(lines[0] ?? '')) return { mined: await readNegatives(store, path, dataset) };
  const header = parseLine(madeHeaderSchema, lines[0]!, path, 1, 'the header of a file of negatives');
  refuseOtherData(header, dataset, path);
  const find = recordFinder(dataset, 'train', path);
  const [mined, made, reconstructions]: [NegativeSet['mined'][number][], Pair[], Pair[]] = [[], [], []];
  lines.slice(1).forEach((text, i) => {
    const line = i + 2;
    const { optical, sar, patch, label } = parseLine(lineSchema, text, path, line, 'a negative');
    const anchor = find(optical, line);
    if (sar !== undefined) mined.push({ sar: find(sar, line), optical: anchor });
    else if (patch! < header.patches.count)
      (label === 1 ? reconstructions : made).push({ optical: anchor, patch: patch! });
    else throw beyond(patch!, header.patches.count, path, line);
  });
  if (header.generatorFingerprint === null) return { mined };
  const { generatorFingerprint: generator, preparation: normalisation } = header;
  const patches = await readPatches(store, patchesFile(path), header);
  return { mined, generated: { generator, normalisation, patches, negatives: made, reconstructions } };
}

type Pair = { optical: number; patch: number };

/** What the first line says; a line that is none is left to the reader that reports it. */
function isMade(header: string): boolean {
  const strategy = /"strategy":\s*"([a-z]+)"/.exec(header)?.[1];
  return MADE_STRATEGIES.some((each) => each === strategy);
}

async function readPatches(store: Store, file: string, { patches, preparation }: MadeHeader): Promise<PatchStack> {
  const bytes = await store.read(file);
  const remedy = 'Bring the file back that was written with the negatives, or make them again by `doppel mine`.';
  const fingerprint = await sha256(bytes);
  if (fingerprint !== patches.fingerprint) {
    const [expected, found] = [patches.fingerprint, fingerprint].map((each) => `fingerprint ${each.slice(0, 12)}…`) as [
      string,
      string,
    ];
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

const beyond = (patch: number, count: number, file: string, line: number) =>
  new FormatError({
    action: 'read',
    ...{ file, line },
    expected: `one of ${count} made patches`,
    found: `patch ${patch}`,
    remedy: 'Make them again by `doppel mine`.',
  });
