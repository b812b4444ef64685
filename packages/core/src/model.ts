/**
 * Scoring with a checkpoint: rasters in, calibrated probabilities out. It prepares patches by the normalisation that the
 * checkpoint records, so that a model never meets pixels made otherwise than it was trained on.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sha256 } from './base/sha256.ts';
import { type DoppelError, isDoppelError, NonFiniteError } from './errors.ts';
import type { MatcherConfig } from './matcher/architecture.ts';
import { type Calibration, probabilityOf } from './matcher/calibration.ts';
import { type Checkpoint, matcherOf, readCheckpoint } from './matcher/checkpoint.ts';
import { createScorer, type MatchScorer } from './matcher/scorer.ts';
import type { Normalisation } from './prepare/normalisation.ts';
import { preparePatch } from './prepare/prepared_patches.ts';
import type { Raster } from './raster/raster.ts';

export interface PairScore {
  /** logit₁ − logit₀, uncalibrated. */
  score: number;
  /** Calibrated probability of a match. */
  probability: number;
  /** Whether the probability is at least the threshold. */
  match: boolean;
  /** A probability, chosen on validation. */
  threshold: number;
}

export interface RasterPair {
  sar: Raster;
  optical: Raster;
  /** What messages call the two; default "the SAR patch" and "the optical patch". */
  names?: { sar: string; optical: string } | undefined;
}

export interface ModelInfo extends MatcherConfig {
  /** SHA-256 of the checkpoint's file as hex. */
  fingerprint: string;
  calibration: Calibration;
  /** False where the checkpoint was saved between two validations: temperature 1 and threshold 0.5 stand in. */
  isCalibrated: boolean;
  /** On validation, when it was saved. */
  metrics: Record<string, number>;
  trainedOn: Checkpoint['trainedOn'];
  /** Of doppel when it was trained. */
  version: string;
}

export interface ScoringModel {
  readonly info: ModelInfo;
  readonly normalisation: Normalisation;
  /** For callers that bring their own tensors, as evaluation and mining do. */
  readonly scorer: MatchScorer;
  /** Scores in the order of the pairs. @throws PatchError for the first pair that cannot be scored. */
  score(pairs: readonly RasterPair[]): Promise<PairScore[]>;
  /** A pair that cannot be scored gets its error, the others their scores. */
  scoreEach(pairs: readonly RasterPair[]): Promise<(PairScore | DoppelError)[]>;
  dispose(): void;
}

/** Pairs that go through the network together. */
const BATCH = 32;

/**
 * @param file for messages.
 * @throws CheckpointError where it is damaged or of another architecture than it says.
 */
export async function openModel(bytes: Uint8Array, file: string): Promise<ScoringModel> {
  const checkpoint = readCheckpoint(bytes, file);
  const matcher = matcherOf(checkpoint);
  const scorer = createScorer(matcher);
  matcher.dispose();
  const info = infoOf(checkpoint, await sha256(bytes));
  const { normalisation } = checkpoint;

  async function scoreEach(pairs: readonly RasterPair[]): Promise<(PairScore | DoppelError)[]> {
    const prepared = pairs.map((pair) => prepare(pair, normalisation));
    const good = prepared.filter((each): each is PreparedPair => !isDoppelError(each));
    const scores = await forwardAll(scorer, good, info);
    let next = 0;
    return prepared.map((each) => (isDoppelError(each) ? each : pairScore(scores[next++]!, info.calibration)));
  }

  return {
    ...{ info, normalisation, scorer, scoreEach },
    async score(pairs) {
      const results = await scoreEach(pairs);
      const failed = results.find(isDoppelError);
      if (failed) throw failed;
      return results as PairScore[];
    },
    dispose: () => scorer.dispose(),
  };
}

function infoOf(checkpoint: Checkpoint, fingerprint: string): ModelInfo {
  const { matcher, calibration, metrics, trainedOn, version } = checkpoint;
  return {
    ...matcher,
    ...{ fingerprint, metrics, trainedOn, version },
    calibration: calibration ?? { temperature: 1, threshold: 0.5 },
    isCalibrated: calibration !== undefined,
  };
}

interface PreparedPair {
  sar: Float32Array;
  optical: Float32Array;
}

function prepare({ sar, optical, names }: RasterPair, normalisation: Normalisation): PreparedPair | DoppelError {
  try {
    return {
      sar: preparePatch(sar, 'sar', normalisation, names?.sar ?? 'the SAR patch'),
      optical: preparePatch(optical, 'optical', normalisation, names?.optical ?? 'the optical patch'),
    };
  } catch (error) {
    if (isDoppelError(error)) return error;
    throw error;
  }
}

/** logit₁ − logit₀ of each pair. */
async function forwardAll(scorer: MatchScorer, pairs: readonly PreparedPair[], config: MatcherConfig) {
  const scores: number[] = [];
  for (let start = 0; start < pairs.length; start += BATCH) {
    const batch = pairs.slice(start, start + BATCH);
    const result = tf.tidy(() => {
      const stack = (modality: 'sar' | 'optical', bands: number) =>
        tf.stack(batch.map((pair) => tf.tensor3d(pair[modality], [config.side, config.side, bands]))) as tf.Tensor4D;
      return scorer.score(stack('sar', config.sarBands), stack('optical', config.opticalBands));
    });
    scores.push(...(await result.data()));
    result.dispose();
  }
  return scores;
}

function pairScore(score: number, calibration: Calibration): PairScore {
  if (!Number.isFinite(score)) {
    const found = String(score);
    throw new NonFiniteError({ action: 'score a pair', expected: 'a finite score', found });
  }
  const probability = probabilityOf(score, calibration);
  const { threshold } = calibration;
  return { score, probability, match: probability >= threshold, threshold };
}
