/**
 * Contract of a mining strategy: its settings, and the negatives that it finds on a bench.
 *
 * A strategy is one value in a file of `strategies/`, listed in `strategies.ts`. Its settings are a zod object: the
 * flags of `doppel mine NAME`, the settings of an experiment's arm and the defaults all derive from it.
 */
import type { z } from 'zod';
import type { Quantiles } from '../base/quantiles.ts';
import type { PairList } from '../dataset/dataset.ts';
import type { Split } from '../dataset/patch_pair.ts';
import type { PlaceGuard } from '../dataset/place_guard.ts';
import type { LatentGenerator } from '../generator/latent.ts';
import type { PatchStack } from '../generator/patch_stack.ts';
import type { Calibration } from '../matcher/calibration.ts';
import type { MatchScorer } from '../matcher/scorer.ts';
import type { Normalisation } from '../prepare/normalisation.ts';
import type { PatchShape, PatchSource } from '../prepare/patch_source.ts';
import type { Store } from '../store.ts';
import type { Negative, NegativesHeader } from './negatives.ts';
import type { Shortage } from './tally.ts';

export interface Strategy<S extends object = object> {
  /** Name in commands, configurations and files of negatives. */
  readonly name: string;
  /** Description for `--help`: the kind of negatives. */
  readonly description: string;
  /** Zod object, strict, with a description for each setting. */
  readonly settings: z.ZodType<S>;
  /** True if its negatives are for training only, such as made patches: always of the split "train". */
  readonly trainingOnly: boolean;
  /** Unit of the progress: "pairs" or "anchors". */
  readonly unit: string;
  /** True if these settings need a matcher with a stream for each sensor. Default: false. */
  needsStreams?(settings: S): boolean;
  /** True if these settings need `bench.generator`. A strategy without this function uses none. */
  needsGenerator?(settings: S): boolean;
  /**
   * @throws UsageError if the settings contradict each other, or do not fit matcher or generator.
   * @throws SplitError if the split has too few real pairs, or no anchor got a negative.
   * @throws NonFiniteError if a score or a made pixel is not finite. @throws PatchError if a patch cannot be used.
   * @throws the signal's reason when it is aborted.
   */
  find(bench: Bench, settings: S, watch: Watch): Promise<Negatives>;
  /**
   * Scores that `find` reads from `bench.scores`, in parts that any number of processes can compute before. Undefined if
   * these settings need none; a strategy without this function has no such parts. Errors as `find`.
   */
  scoring?(bench: Bench, settings: S): Scoring | undefined;
}

export interface Scoring {
  readonly parts: number;
  /** @returns what computes a part unless it is there, keeps it, and gives the number of pairs that were scored. */
  begin(watch: Pick<Watch, 'signal'>): (part: number) => Promise<number>;
}

/** Inputs of every strategy: data set, matcher, patches and guard. */
export interface Bench {
  store: Store;
  dataset: PairList;
  split: Split;
  model: MiningModel;
  /** Prepared patches of the data set, by record. */
  patches: PatchSource;
  guard: PlaceGuard;
  /** Records whose SAR patches are known without labels, for strategies that take any; default: those of the pairs. */
  unlabelled?: readonly number[] | undefined;
  generator?: LatentGenerator | undefined;
  /**
   * Folder that keeps the scores for the next mining; `refresh` removes the scores in it first, `others` are folders that
   * are read as well. Default: not kept.
   */
  scores?: { folder: string; refresh: boolean; others?: readonly string[] | undefined } | undefined;
  /** Seed of pools, draws and latent noise. */
  seed: number;
}

/** Matcher that mines; a `Model` is one, and so are the weights of a run. */
export interface MiningModel {
  scorer: Pick<MatchScorer, 'score' | 'halves'>;
  normalisation: Normalisation;
  info: PatchShape & {
    /** SHA-256 of the checkpoint as hex. */
    fingerprint: string;
    calibration: Pick<Calibration, 'temperature'>;
  };
}

/** Progress, log and abort signal of a mining. */
export interface Watch {
  signal?: AbortSignal | undefined;
  /** Units done so far, of those expected. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Line for the user, such as what a long scoring will cost. */
  onLog?: ((line: string) => void) | undefined;
}

/** Result of a strategy. */
export interface Negatives {
  header: NegativesHeader;
  negatives: readonly Negative[];
  /** Made patches, by the row that `patch` of a negative names. */
  patches?: PatchStack | undefined;
  /** Anchors that got fewer than k. */
  shortages?: readonly Shortage[] | undefined;
  report: MiningReport;
}

/** Report of a mining: figures for JSON; a strategy may add others. */
export interface MiningReport {
  /** Number of anchors. */
  anchors: number;
  /** Spread of scores, by what was scored; absent if nothing was. */
  quantiles: { readonly [of: string]: Quantiles | undefined };
  /** Number of candidates considered, in total or by kind. */
  candidates?: number | Readonly<Record<string, number>>;
  /** Candidates that a rule excluded, by rule. */
  skipped?: Readonly<Record<string, number>>;
  dropped?: Readonly<Record<string, number>>;
  /** Candidates that passed every rule and were not needed. */
  surplus?: number;
  reconstructions?: number;
  /** Number of anchors that got fewer than k, and by reason. */
  shortages?: number;
  shortageReasons?: Readonly<Record<string, number>>;
  /** Different SAR patches among the negatives, and the uses of the most used one. */
  variety?: { images: number; mostUsed: number };
  cost?: MiningCost;
  seconds?: number;
  /** Folder of the scores; null if none were kept. */
  cache?: string | null;
  /** Warnings about the negatives, for the user. */
  warnings?: readonly string[];
  readonly [figure: string]: unknown;
}

export interface MiningCost {
  pairsScored: number;
  /** Pairs whose score was read from the cache. */
  pairsCached: number;
  seconds: number;
}
