/**
 * Result of one cell of an experiment: the scores of its test pairs, and their settings. Each cell is one JSON file,
 * written whole or not at all, so that a crash costs one cell and shards are merged by copying files together.
 */

import { FormatError, readText, reasonOf, type Store } from '@doppel/core';
import { architectureName } from '@doppel/core/matcher';
import { z } from 'zod';

const scores = z.array(z.number());
const curvePoint = z.object({
  epoch: z.int(),
  step: z.int(),
  trainLoss: z.number(),
  validationLoss: z.number(),
  validationAuc: z.number(),
});

const made = z.object({
  score: z.number(),
  probability: z.number(),
  called: z.number(),
  lost: z.number(),
  gained: z.number(),
  probeAuc: z.number().nullable(),
});

export const cellSchema = z.object({
  doppel: z.literal('experiment-cell'),
  version: z.literal(1),
  matcher: architectureName,
  budget: z.number(),
  seed: z.int(),
  arm: z.string(),
  /** SHA-256 of all that the cell follows from: its settings, data and generator. */
  settings: z.string(),
  /** SHA-256 of the test pairs. */
  tests: z.string(),
  places: z.array(z.string()),
  /** Place of each true pair, as an index into `places`. */
  placeOf: z.array(z.int()),
  /** logit₁ − logit₀ of the true pairs. */
  positives: scores,
  /** Negatives by test set: index of the true pair of each, and its score. */
  sets: z.record(z.string(), z.object({ of: z.array(z.int()), scores })),
  /** Fitted on the validation split. */
  calibration: z.object({ temperature: z.number().positive(), threshold: z.number() }),
  training: z.object({
    places: z.int(),
    pairs: z.int(),
    steps: z.int(),
    bestEpoch: z.int(),
    validationAuc: z.number(),
    validationLoss: z.number(),
    /** Learning curve of the second stage, after that of the first. */
    curve: z.array(curvePoint),
    base: z.array(curvePoint),
  }),
  /**
   * Seconds: the first stage (shared by the arms), finding negatives before and during training, the second stage,
   * testing.
   */
  seconds: z.object({ base: z.number(), mining: z.number(), training: z.number(), testing: z.number() }),
  /**
   * Reliance of the matcher on generated pixels (shortcut.ts): those of the arm's generator, else of the first one;
   * null without any, and for arms whose patches the shortcut does not make (swap, mix, edit ratio).
   */
  shortcut: z
    .object({
      generator: z.string(),
      pairs: z.int(),
      real: made.pick({ score: true, probability: true, called: true }),
      reconstructions: z.record(z.string(), made),
      negatives: z.record(z.string(), made),
    })
    .nullable()
    .default(null),
  /** Report of mining; null without mining. */
  mining: z.record(z.string(), z.json()).nullable(),
  run: z.object({
    backend: z.string(),
    precision: z.string().default('fp32'),
    machine: z.string(),
    date: z.string(),
    doppel: z.string(),
    commit: z.string().nullable(),
  }),
});
export type Cell = z.infer<typeof cellSchema>;

/** Undefined where there is none. @throws FormatError where the file is no cell. */
export async function readCell(store: Store, path: string): Promise<Cell | undefined> {
  if (!(await store.stat(path))) return undefined;
  const fail = (found: string, cause: unknown) =>
    new FormatError({
      ...{ action: 'read', file: path, expected: 'a cell of an experiment', found, cause },
      remedy: 'Remove the file, and run the experiment again: it makes what is missing.',
    });
  let value: unknown;
  try {
    value = JSON.parse(await readText(store, path));
  } catch (cause) {
    throw fail(reasonOf(cause), cause);
  }
  const parsed = cellSchema.safeParse(value);
  if (!parsed.success) throw fail(z.prettifyError(parsed.error).replaceAll('\n', ' '), parsed.error);
  return parsed.data;
}

/** Scores are written to six digits: more than any metric depends on. */
export const roundScores = (values: ArrayLike<number>): number[] =>
  Array.from(values, (value) => Number(value.toPrecision(6)));
