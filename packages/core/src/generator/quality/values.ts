/** Distribution of the values of patches, in dB for radar units: Wasserstein-1 distance and histograms. */
import { pause } from '../../base/pause.ts';
import type { Unit } from '../../raster/raster.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';
import { type Beside, beside, SET_NAMES, SET_PAIRS, type SetName } from './compare.ts';
import type { ValueRange } from './ms_ssim.ts';
import { type SarScale, shownUnit, shownValues } from './sar_scale.ts';
import { type Histogram, histogramDistance, histogramOf, merge, quantileOf } from './wasserstein.ts';

/** Resolution of the distance: no value counts as moved by more than a 4,096th of the range. */
const FINE_BINS = 4096;
const SHOWN_BINS = 64;
/** Per cent of the values of real and generated patches that the plot leaves out at either end. */
const OUTLIERS = 0.05;

export interface ValueFigures extends Beside {
  /** Unit of the distances. */
  unit: Unit;
  /** Shares of all values in bins of equal width, for plots; values beyond the ends are in the outermost. */
  histogram: {
    low: number;
    high: number;
    generated: number[];
    reconstructed: number[];
    training: number[];
    heldOut: number[];
  };
}

/** @throws the signal's reason when it is aborted. */
export async function measureValues(
  sets: Record<SetName, PatchStack>,
  scale: SarScale,
  signal?: AbortSignal,
): Promise<ValueFigures> {
  const all = Object.values(sets);
  const [low, high] = extremes(all);
  const [least = low, most = high] = shownValues(Float32Array.of(low, high), scale);
  const range = most > least ? { low: least, high: most } : { low: least - 0.5, high: least + 0.5 };
  const fine = await histograms(sets, scale, { ...range, bins: FINE_BINS }, signal);
  const pooled = merge([fine.generated, fine.training, fine.heldOutA, fine.heldOutB]);
  const shown = { low: quantileOf(pooled, OUTLIERS / 100), high: quantileOf(pooled, 1 - OUTLIERS / 100) };
  const end = shown.high > shown.low ? shown : range;
  const coarse = await histograms(sets, scale, { ...end, bins: SHOWN_BINS }, signal);
  const shares = ({ counts }: Histogram) => {
    const sum = counts.reduce((total, count) => total + count, 0);
    return Array.from(counts, (count) => count / sum);
  };
  return {
    ...beside(SET_PAIRS.map(([a, b]) => histogramDistance(fine[a], fine[b]))),
    unit: shownUnit(scale),
    histogram: {
      ...end,
      generated: shares(coarse.generated),
      reconstructed: shares(coarse.reconstructed),
      training: shares(coarse.training),
      heldOut: shares(merge([coarse.heldOutA, coarse.heldOutB])),
    },
  };
}

/** Range of prepared samples without the lowest and highest 0.1 %, for measures that need a dynamic range. */
export function valueRange(stacks: readonly PatchStack[]): ValueRange {
  const [low, high] = extremes(stacks);
  if (!(high > low)) return { low: low - 0.5, high: low + 0.5 };
  const histogram = merge(stacks.map(({ data }) => histogramOf(data, low, high, FINE_BINS)));
  return { low: quantileOf(histogram, 0.001), high: quantileOf(histogram, 0.999) };
}

async function histograms(
  sets: Record<SetName, PatchStack>,
  scale: SarScale,
  { low, high, bins }: { low: number; high: number; bins: number },
  signal: AbortSignal | undefined,
): Promise<Record<SetName, Histogram>> {
  const found = {} as Record<SetName, Histogram>;
  for (const name of SET_NAMES) {
    await pause(signal);
    const stack = sets[name];
    const histogram = { low, high, counts: new Float64Array(bins) };
    for (let row = 0; row < stack.count; row++) {
      const { counts } = histogramOf(shownValues(patchAt(stack, row), scale), low, high, bins);
      for (let bin = 0; bin < bins; bin++) histogram.counts[bin]! += counts[bin]!;
    }
    found[name] = histogram;
  }
  return found;
}

function extremes(stacks: readonly PatchStack[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { data } of stacks) {
    for (const value of data) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}
