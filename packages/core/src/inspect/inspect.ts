/**
 * Statistics of a data set: counts, ranges of values, missing pixels, looks, and an audit of its positives. One
 * pass over the patches.
 */
import { concatenate } from '../base/concatenate.ts';
import { pause } from '../base/pause.ts';
import { quantile } from '../base/quantile.ts';
import type { Watch } from '../base/watch.ts';
import type { Dataset, SplitName } from '../dataset/dataset.ts';
import { SPLIT_NAMES } from '../dataset/splits_file.ts';
import { equivalentNumberOfLooks } from '../raster/enl.ts';
import type { Raster, Unit } from '../raster/raster.ts';
import {
  AUDIT_LIMITS,
  type AuditLimits,
  auditPatch,
  OffsetAudit,
  REASONS,
  type Reason,
  type Suspicion,
} from './audit.ts';
import { type Offset, offsetSurface } from './gradient_offset.ts';
import { GridTally, type PlaceGrid } from './grid_tally.ts';
import { type PatchSummary, summarise, validSamples } from './patch_summary.ts';

export const PERCENTILES = [1, 5, 25, 50, 75, 95, 99] as const;

export interface ModalityReport {
  unit: Unit;
  bands: number;
  min: number;
  max: number;
  mean: number;
  /** Percentiles by percent, all bands together. */
  percentiles: Record<string, number>;
  /** Share of all pixels that are missing. */
  noDataShare: number;
}

export interface Inspection {
  pairs: number;
  groups: number;
  side: number;
  labels: { positive: number; negative: number };
  /** Null where the data set has not been split. */
  splits: Record<SplitName, { pairs: number; groups: number }> | null;
  /** Pairs by place. */
  pairsByGroup: Record<string, number>;
  sar: ModalityReport;
  optical: ModalityReport;
  /** Equivalent number of looks over patches; null if no patch is homogeneous enough, or the unit is unknown. */
  enl: { median: number; low: number; high: number; patches: number } | null;
  /** Repeated sampling grids of SAR patches by place; places without one are left out. */
  grids: Record<string, PlaceGrid>;
  audit: { suspicious: number; byReason: Record<Reason, number>; offsetsMeasured: number };
  /** Offsets of the places that were measured. */
  offsets: { group: string; pairs: number; offset: Offset }[];
}

export interface InspectOptions {
  /** Pairs, evenly spread, whose alignment is measured. */
  offsets: number;
  /** Pixels of shift that are searched in each direction. */
  reach: number;
  limits?: AuditLimits | undefined;
}

/** Samples of one sensor that percentiles are taken from. */
const SAMPLES = 2 ** 22;
const READ_AT_ONCE = 16;

/** @throws FileError, FormatError or PatchError where a patch cannot be read. */
export async function inspectDataset(
  dataset: Dataset,
  { offsets, reach, limits = AUDIT_LIMITS }: InspectOptions,
  { signal, onProgress }: Watch = {},
): Promise<{ inspection: Inspection; suspicions: Suspicion[] }> {
  const { records, header } = dataset;
  const modalities = { sar: new ModalityTally(records.length), optical: new ModalityTally(records.length) };
  const looks: number[] = [];
  const grids = new GridTally();
  const offsetAudit = new OffsetAudit(limits);
  const isMeasured = evenly(records.length, offsets);
  for (let start = 0; start < records.length; start += READ_AT_ONCE) {
    await pause(signal);
    onProgress?.(start, records.length);
    const indices = Array.from({ length: Math.min(READ_AT_ONCE, records.length - start) }, (_, i) => start + i);
    for (const [i, pair] of (await Promise.all(indices.map((index) => dataset.read(index)))).entries()) {
      modalities.sar.add(pair.sar);
      modalities.optical.add(pair.optical);
      grids.add(pair.group, pair.sar);
      const enl = equivalentNumberOfLooks(pair.sar);
      if (enl !== undefined && Number.isFinite(enl)) looks.push(enl);
      if (pair.label === 0 || !isMeasured(start + i)) continue;
      const surface = offsetSurface(pair.sar, pair.optical, reach);
      if (surface) offsetAudit.add(pair, surface);
    }
  }
  onProgress?.(records.length, records.length);
  const ranges = { sar: modalities.sar.range(), optical: modalities.optical.range() };
  const suspicions = records.flatMap((record, i) =>
    record.label === 0
      ? []
      : (['sar', 'optical'] as const).flatMap((modality) =>
          auditPatch(record, modality, modalities[modality].summaries[i]!, ranges[modality], limits),
        ),
  );
  suspicions.push(...offsetAudit.suspicions());
  return { inspection: { ...countsOf(dataset), ...measured() }, suspicions };

  function measured() {
    const byReason = Object.fromEntries(
      REASONS.map((reason) => [reason, suspicions.filter((each) => each.reason === reason).length]),
    ) as Record<Reason, number>;
    return {
      sar: { ...header.sar, ...modalities.sar.report() },
      optical: { ...header.optical, ...modalities.optical.report() },
      enl: looksOf(looks),
      grids: grids.found(),
      audit: { suspicious: suspicions.length, byReason, offsetsMeasured: offsetAudit.measured },
      offsets: offsetAudit.offsets(),
    };
  }
}

function countsOf({ records, header, splits, splitOf }: Dataset) {
  const pairsByGroup: Record<string, number> = {};
  for (const { group } of records) pairsByGroup[group] = (pairsByGroup[group] ?? 0) + 1;
  const countSplit = (name: SplitName) => {
    const members = records.filter((_, i) => splitOf(i) === name);
    return { pairs: members.length, groups: new Set(members.map(({ group }) => group)).size };
  };
  const positive = records.filter(({ label }) => label === 1).length;
  return {
    ...{ pairs: records.length, groups: Object.keys(pairsByGroup).length, side: header.side },
    labels: { positive, negative: records.length - positive },
    splits: splits
      ? (Object.fromEntries(SPLIT_NAMES.map((name) => [name, countSplit(name)])) as NonNullable<Inspection['splits']>)
      : null,
    pairsByGroup,
  };
}

class ModalityTally {
  readonly summaries: PatchSummary[] = [];
  private readonly room: number;
  private readonly samples: Float32Array[] = [];
  private sorted: Float32Array | undefined;

  constructor(patches: number) {
    this.room = Math.max(1, Math.floor(SAMPLES / Math.max(1, patches)));
  }

  add(raster: Raster): void {
    this.summaries.push(summarise(raster));
    this.samples.push(validSamples(raster, this.room).slice());
  }

  range() {
    const { min, max, percentiles } = this.report();
    return { min, max, low: percentiles['1']!, high: percentiles['99']! };
  }

  report() {
    const known = this.summaries.filter(({ low }) => Number.isFinite(low));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      min: known.reduce((low, each) => Math.min(low, each.low), Number.POSITIVE_INFINITY),
      max: known.reduce((high, each) => Math.max(high, each.high), Number.NEGATIVE_INFINITY),
      mean: mean(known.map((each) => each.mean)),
      percentiles: Object.fromEntries(
        PERCENTILES.map((percent) => [String(percent), quantile(this.sort(), percent / 100)]),
      ),
      noDataShare: mean(this.summaries.map(({ missing }) => missing)),
    };
  }

  private sort(): Float32Array {
    if (this.sorted) return this.sorted;
    this.sorted = concatenate(this.samples).sort();
    return this.sorted;
  }
}

function looksOf(looks: number[]): Inspection['enl'] {
  if (looks.length === 0) return null;
  const sorted = Float64Array.from(looks).sort();
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.1),
    high: quantile(sorted, 0.9),
    patches: sorted.length,
  };
}

/** Selects `count` of `total` indices, evenly spread. */
function evenly(total: number, count: number): (i: number) => boolean {
  if (count >= total) return () => true;
  return (i) => Math.floor((i * count) / total) !== Math.floor(((i - 1) * count) / total) && count > 0;
}
