/**
 * Turns a score, a difference of logits, into the probability of a match. `evaluation/fit_calibration.ts` fits the
 * parameters.
 */

export interface Calibration {
  /** Probability of a match = sigmoid(score / temperature). Positive. */
  temperature: number;
  /** A pair whose probability is at least this is called a match. In (0, 1). */
  threshold: number;
}

/** Calibration of a checkpoint saved between two validations. */
export const UNCALIBRATED: Calibration = { temperature: 1, threshold: 0.5 };

/** 1 / (1 + e^−x), without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** The calibrated probability of a match for a score (logit₁ − logit₀). */
export function probabilityOf(score: number, calibration: Pick<Calibration, 'temperature'>): number {
  return sigmoid(score / calibration.temperature);
}
