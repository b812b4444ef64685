/**
 * Equivalent number of looks of patches, patch by patch. A generator that smooths speckle has too many looks; one that
 * adds noise has too few. Patches without homogeneous ground have none.
 */

import { pause } from '../../base/pause.ts';
import { quantile } from '../../base/quantile.ts';
import { equivalentNumberOfLooks } from '../../raster/enl.ts';
import { isRadarUnit } from '../../raster/units.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';
import { asRaster, type SarScale } from './sar_scale.ts';

/** Number of patches measured in a set, spread over it. */
const PATCHES = 500;

export interface Looks {
  /** Natural logarithms of the looks of patches with homogeneous ground. */
  logarithms: Float64Array;
  /** Number of patches measured. */
  patches: number;
}

/** Looks of a stack; undefined if the unit is no radar unit. @throws the signal's reason when it is aborted. */
export async function looksOf(stack: PatchStack, scale: SarScale, signal?: AbortSignal): Promise<Looks | undefined> {
  if (!isRadarUnit(scale.unit)) return undefined;
  const patches = Math.min(PATCHES, stack.count);
  const found: number[] = [];
  for (let i = 0; i < patches; i++) {
    if (i % 16 === 0) await pause(signal);
    const row = Math.floor((i * stack.count) / patches);
    const looks = equivalentNumberOfLooks(asRaster(patchAt(stack, row), stack.side, scale));
    if (looks !== undefined && looks > 0) found.push(Math.log(looks));
  }
  return { logarithms: Float64Array.from(found), patches };
}

export interface LooksSummary {
  /** Null if no patch has homogeneous ground. */
  median: number | null;
  quartiles: readonly [number, number] | null;
  /** Share of the patches with homogeneous ground, in [0, 1]. */
  even: number;
}

export function summariseLooks({ logarithms, patches }: Looks): LooksSummary {
  const even = logarithms.length / patches;
  if (logarithms.length === 0) return { median: null, quartiles: null, even };
  const sorted = logarithms.toSorted();
  const at = (percent: number) => Math.exp(quantile(sorted, percent / 100));
  return { median: at(50), quartiles: [at(25), at(75)], even };
}
