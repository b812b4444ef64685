/** Content of `results.json` of an experiment. */
import type { ExperimentMetrics } from './arm_sample.ts';
import type { Cell } from './cell.ts';
import type { Estimate, Estimates } from './compare.ts';
import type { ContrastResult } from './contrasts.ts';

export interface ArmResult {
  arm: string;
  seeds: number[];
  /** Estimates by test set. */
  sets: Record<string, Estimates>;
  /** Mean seconds of a cell. */
  seconds: Cell['seconds'] & { total: number };
  validationAuc: number;
  /** Reliance of its matchers on generated pixels, means over seeds; null without a generator to measure it. */
  shortcut: ArmShortcut | null;
}

export interface ArmShortcut {
  /** Probability of a match with their own optical patch: of real SAR patches, and of their reconstructions as they are. */
  real: number;
  reconstructed: number;
  /** Share called a match when real, and not when reconstructed. */
  lost: number;
  /** AUC of a linear probe of the SAR stream, reconstructions against real; null without such a stream. */
  probeAuc: number | null;
}

export interface Comparison {
  matcher: string;
  budget: number;
  set: string;
  arm: string;
  against: string;
  /** Seeds that both were run with. */
  seeds: number[];
  difference: Estimates;
  /** Seeds in which the arm's FPR at 95 % recall is the lower one. */
  seedsBetter: number;
  p: ExperimentMetrics;
  /** Holm's, over all comparisons of the same kind and metric. */
  adjusted: ExperimentMetrics;
}

/** Share of the baseline's excess of false alarms, look-alikes over shuffled at 80 % recall, that an arm removes. */
export interface ExcessRemoved {
  matcher: string;
  budget: number;
  arm: string;
  seeds: number[];
  /** Null where the baseline has no excess. */
  removed: Estimate | null;
}

export interface ResultGroup {
  matcher: string;
  budget: number;
  /** Means over seeds. */
  places: number;
  pairs: number;
  steps: number;
  arms: ArmResult[];
  /** Validation AUC by step, mean over seeds, of the baseline: had it stopped improving? */
  baseline: { step: number; validationAuc: number }[];
}

export interface Results {
  doppel: 'experiment-results';
  version: 1;
  tests: { fingerprint: string; places: number; positives: number; sets: Record<string, number> };
  baseline: string;
  champion: string;
  groups: ResultGroup[];
  /** Comparisons that were fixed beforehand. */
  contrasts: ContrastResult[];
  excess: ExcessRemoved[];
  toBaseline: Comparison[];
  /** The champion against the best of the other arms in each test set. */
  toBest: Comparison[];
  conclusion: string[];
  run: {
    machines: string[];
    backends: string[];
    commits: string[];
    versions: string[];
    from: string;
    to: string;
    cells: number;
    /** Sum over cells, without first stages; negatives that arms share count for each. */
    seconds: number;
  };
}
