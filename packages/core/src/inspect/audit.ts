/**
 * Audit of positives: lists pairs that are flat, incomplete, saturated, or whose patches are shifted against each
 * other. A listed pair is suspicious, not wrong; its measurements are listed with it.
 */
import type { PairRecord } from '../dataset/dataset.ts';
import { addSurface, type Offset, type OffsetSurface, offsetOf } from './gradient_offset.ts';
import type { PatchSummary } from './patch_summary.ts';

export const REASONS = ['flat', 'noData', 'saturated', 'offset'] as const;
export type Reason = (typeof REASONS)[number];

export interface Suspicion {
  /** Id of a pair; absent for a whole place whose pairs agree on a shift. */
  id?: string;
  group: string;
  reason: Reason;
  /** Sensor of the patch; absent if both patches are concerned. */
  modality?: 'sar' | 'optical';
  /** Measurements by name. */
  numbers: Record<string, number>;
}

/** Limits; a patch beyond one is listed. */
export interface AuditLimits {
  /** Standard deviation of a patch as a share of the data's range (1st to 99th percentile). */
  flat: number;
  /** Share of missing pixels. */
  noData: number;
  /** Share of samples at the lowest or the highest value of the data. */
  saturated: number;
  /** Offset in pixels up to which alignment counts as good. */
  offset: number;
  /** Least height of a pair's correlation peak over its surroundings, in standard deviations. */
  significance: number;
}

export const AUDIT_LIMITS: AuditLimits = { flat: 0.02, noData: 0.05, saturated: 0.2, offset: 3, significance: 5 };

/** Range of the samples of one sensor over all patches. */
export interface SampleRange {
  min: number;
  max: number;
  /** 1st and 99th percentile. */
  low: number;
  high: number;
}

export function auditPatch(
  record: Pick<PairRecord, 'id' | 'group'>,
  modality: 'sar' | 'optical',
  patch: PatchSummary,
  range: SampleRange,
  limits: AuditLimits = AUDIT_LIMITS,
): Suspicion[] {
  const { id, group } = record;
  const found: Suspicion[] = [];
  const list = (reason: Reason, numbers: Record<string, number>) =>
    found.push({ id, group, reason, modality, numbers });
  if (patch.missing > limits.noData) list('noData', { share: patch.missing });
  if (patch.std < limits.flat * (range.high - range.low)) list('flat', { std: patch.std, mean: patch.mean });
  if (patch.low === range.min && patch.atLow > limits.saturated)
    list('saturated', { share: patch.atLow, value: patch.low });
  if (patch.high === range.max && patch.atHigh > limits.saturated)
    list('saturated', { share: patch.atHigh, value: patch.high });
  return found;
}

/** Adds up the offset surfaces of the pairs of each place. */
export class OffsetAudit {
  private readonly limits: AuditLimits;
  private readonly places = new Map<string, { surface: OffsetSurface; pairs: number }>();
  private readonly pairs: Suspicion[] = [];
  private count = 0;

  constructor(limits: AuditLimits = AUDIT_LIMITS) {
    this.limits = limits;
  }

  /** Pairs that were measured. */
  get measured(): number {
    return this.count;
  }

  add({ id, group }: Pick<PairRecord, 'id' | 'group'>, surface: OffsetSurface): void {
    this.count++;
    const place = this.places.get(group);
    this.places.set(group, { surface: addSurface(place?.surface, surface), pairs: (place?.pairs ?? 0) + 1 });
    const offset = offsetOf(surface);
    if (!this.isOff(offset, surface.reach)) return;
    this.pairs.push({ id, group, reason: 'offset', numbers: numbersOf(offset) });
  }

  /** Each place's offset, from all its pairs. */
  offsets(): { group: string; pairs: number; offset: Offset }[] {
    return [...this.places].map(([group, { surface, pairs }]) => {
      const values = surface.values.map((value) => value / pairs);
      return { group, pairs, offset: offsetOf({ reach: surface.reach, values }) };
    });
  }

  suspicions(): Suspicion[] {
    const places = this.offsets()
      .filter(({ group, offset }) => this.isOff(offset, this.places.get(group)!.surface.reach))
      .map(({ group, pairs, offset }): Suspicion => {
        return { group, reason: 'offset', numbers: { pairs, ...numbersOf(offset) } };
      });
    return [...places, ...this.pairs];
  }

  /** True for a significant offset; a peak at the rim may be the slope of one beyond, and is no measurement. */
  private isOff(offset: Offset, reach: number): boolean {
    const isInside = Math.max(Math.abs(offset.columns), Math.abs(offset.rows)) < reach;
    return isInside && distanceOf(offset) > this.limits.offset && offset.significance >= this.limits.significance;
  }
}

export const distanceOf = ({ columns, rows }: Pick<Offset, 'columns' | 'rows'>): number => Math.hypot(columns, rows);

function numbersOf({ columns, rows, peak, atZero, significance }: Offset): Record<string, number> {
  return { columns, rows, distance: distanceOf({ columns, rows }), peak, atZero, significance };
}

/** One JSON object a line. */
export const formatAudit = (suspicions: readonly Suspicion[]): string =>
  suspicions.map((each) => `${JSON.stringify(each)}\n`).join('');
