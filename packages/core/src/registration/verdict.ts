/**
 * Verdict on a registration: trusted only where each test is passed. The first test that fails is the reason of a refusal.
 */
import type { TrustTest } from './registration.ts';

/** Distance at the corners of the model that cross-validation alone would take from the one that was taken. */
export interface Lean {
  readonly distance: number;
  /** Standard deviation of that model there. */
  readonly deviation: number;
  /** True if the settings allow for a turn or stretch. */
  readonly isTold: boolean;
}

/** End of a sentence on a lean: what to do if terrain is not the reason. */
export const wayOutOf = ({ isTold }: Lean): string =>
  isTold ? '' : '; if a scene may be turned or stretched, say so by --rotation and --scale';

/** Figures that the verdict rests on. Distances are in pixels of the working grid. */
export interface Evidence {
  /** Points that could be fitted, and those within the gate of the map. */
  readonly points: number;
  readonly agreeing: number;
  readonly gate: number;
  /** Decimal logarithm of the number of maps that as many points agree on by luck; see `luckOf`. */
  readonly luck: number;
  /** Points that no fit has seen, and those within the gate. */
  readonly heldOut: number;
  readonly confirmed: number;
  /** Decimal logarithm of the probability that as many are within the gate by luck. */
  readonly heldOutLuck: number;
  /** Radius that holds 90 % of the confirmed points; undefined with fewer than `CE90_POINTS`. */
  readonly ce90: number | undefined;
  /** Extent of the agreeing points over that of all cells, along the direction in which it is least. */
  readonly spread: number;
  /** Uncertainty of the map at the corners of the cells: it is right within it in nine cases of ten. */
  readonly corner: number;
  readonly lean: Lean;
  /** The other features' votes, where there are any. */
  readonly second: { readonly luck: number; readonly corner: number; readonly apart: number } | undefined;
}

/** Bounds of the tests; chosen on validation and training scenes, see docs/registration.md. */
export interface TrustLimits {
  readonly agreeing: number;
  readonly share: number;
  readonly luck: number;
  readonly heldOutLuck: number;
  readonly ce90: number;
  readonly spread: number;
  readonly corner: number;
  /** Lean that does no harm, in pixels, and standard deviations up to which terrain explains a larger one. */
  readonly lean: number;
  readonly leanDeviations: number;
  readonly apart: number;
}

export const TRUST_LIMITS: TrustLimits = {
  agreeing: 4,
  share: 0.15,
  luck: -4,
  heldOutLuck: -1.3,
  ce90: 5,
  spread: 0.35,
  corner: 4,
  lean: 4,
  leanDeviations: 3.5,
  apart: 5,
};

/** Luck below which the other features' votes count as an estimate of their own, if they are sure of their corners. */
const SECOND_SPEAKS = -4;

interface Judged extends TrustTest {
  /** Reason of a refusal. */
  readonly reason: string;
}

const atLeast = (name: string, value: number, limit: number, reason: string): Judged => ({
  ...{ name, value, limit, isMost: false, passed: value >= limit, reason },
});
const atMost = (name: string, value: number, limit: number, reason: string): Judged => ({
  ...{ name, value, limit, isMost: true, passed: value <= limit, reason },
});

export function verdictOf(
  evidence: Evidence,
  limits: TrustLimits = TRUST_LIMITS,
): { tests: TrustTest[]; reason?: string } {
  const judged = testsOf(evidence, limits);
  const failed = judged.find(({ passed }) => !passed);
  return { tests: judged.map(({ reason: _, ...test }) => test), ...(failed && { reason: failed.reason }) };
}

function testsOf(evidence: Evidence, limits: TrustLimits): Judged[] {
  const { points, agreeing, heldOut, confirmed, ce90, lean, second } = evidence;
  const leanLimit = Math.max(limits.lean, limits.leanDeviations * lean.deviation);
  const gate = `${evidence.gate.toFixed(1)} px`;
  const found = `${agreeing} of ${points} points lie within ${gate} of the best model`;
  return [
    atLeast('agreeing points', agreeing, limits.agreeing, `too few points: ${found}`),
    atMost('agreement by luck, log10', evidence.luck, limits.luck, `${found}, which luck may give as well`),
    atLeast('share that agrees', agreeing / points, limits.share, `too few points agree: ${found}`),
    atMost(
      ...(['held-out agreement by luck, log10', evidence.heldOutLuck, limits.heldOutLuck] as const),
      `the held-out points do not confirm the model: ${confirmed} of ${heldOut} lie within ${gate} of it`,
    ),
    ...(ce90 === undefined
      ? []
      : [
          atMost(
            'CE90 of held-out points, px',
            ce90,
            limits.ce90,
            `held-out points err by ${ce90.toFixed(1)} px (CE90)`,
          ),
        ]),
    atLeast(
      'spread of agreeing points',
      evidence.spread,
      limits.spread,
      'the points that agree lie close together or on a line',
    ),
    atMost(
      ...(['uncertainty at the corners, px', evidence.corner, limits.corner] as const),
      `the model is uncertain by ${evidence.corner.toFixed(1)} px at the corners`,
    ),
    atMost(
      ...(['distance of the cross-validated model at the corners, px', lean.distance, leanLimit] as const),
      `the points lean the corners by ${lean.distance.toFixed(1)} px, which is more than terrain does and less than is sure${wayOutOf(lean)}`,
    ),
    ...(second && second.luck <= SECOND_SPEAKS && second.corner <= limits.corner
      ? [
          atMost(
            ...(['distance of the other features’ model, px', second.apart, limits.apart] as const),
            `both kinds of features disagree by ${second.apart.toFixed(1)} px`,
          ),
        ]
      : []),
  ];
}
