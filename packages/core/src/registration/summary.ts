/** A registration in short: the JSON object that `doppel register --json` prints and `summary.json` holds. */
import { type QUALITY_FIGURES, REASONS, type Reason, type Registration } from './registration.ts';

export interface Summary {
  status: Registration['status'];
  reason?: string;
  /** Doubts that the verdict does not cover. */
  caveats: readonly string[];
  /** Kind of the chosen model; null without a correction. */
  model: string | null;
  matrix: Registration['matrix'] | null;
  points: Record<Reason, number>;
  quality: ({ unit: 'm'; heldOut: number } & Record<(typeof QUALITY_FIGURES)[number], number>) | null;
  intervals: NonNullable<Registration['quality']>['intervals'] | null;
  files: Readonly<Record<string, string>>;
  seconds: number;
  backend: string;
  matcher: NonNullable<Registration['matcher']> | null;
}

export function summaryOf(
  registration: Registration,
  { files, backend, seconds }: Pick<Summary, 'files' | 'backend' | 'seconds'>,
): Summary {
  const { status, reason, caveats = [], matrix, quality, matcher } = registration;
  return {
    status,
    ...(reason !== undefined && { reason }),
    ...{ caveats, model: modelOf(registration) ?? null, matrix: matrix ?? null, points: countReasons(registration) },
    quality: quality ? qualityOf(quality) : null,
    intervals: quality?.intervals ?? null,
    ...{ files, seconds, backend, matcher: matcher ?? null },
  };
}

const modelOf = ({ ladder, correction }: Registration) =>
  correction ? (ladder.find(({ chosen }) => chosen)?.kind ?? correction.map.kind) : undefined;

export function countReasons({ points }: Registration): Record<Reason, number> {
  const counts = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<Reason, number>;
  for (const { reason } of points) counts[reason]++;
  return counts;
}

function qualityOf({
  unit,
  heldOut,
  ...figures
}: NonNullable<Registration['quality']>): NonNullable<Summary['quality']> {
  const { biasX, biasY, rmseX, rmseY, ce90 } = figures;
  return { unit, biasX, biasY, rmseX, rmseY, ce90, heldOut };
}
