/**
 * The speckle of patches as a number of looks, patch by patch. A generator that smooths its speckle away has too many; one
 * that adds noise has too few. Patches without even ground have no such number.
 */

import { pause } from '../../base/pause.ts';
import { quantile } from '../../base/quantile.ts';
import { equivalentNumberOfLooks } from '../../raster/enl.ts';
import { isRadarUnit } from '../../raster/units.ts';
import { type PatchStack, patchAt } from '../patch_stack.ts';
import { asRaster, type SarScale } from './sar_scale.ts';

/** Patches of a set that are looked at, spread over it. */
const PATCHES = 500;

export interface Looks {
  /** Natural logarithms, of the patches that have even ground. */
  logarithms: Float64Array;
  /** How many were looked at. */
  patches: number;
}

/** Undefined where the unit is none of radar. @throws the signal's reason when it is aborted. */
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
  /** Null where no patch has even ground. */
  median: number | null;
  quartiles: readonly [number, number] | null;
  /** Share of the patches that have even ground. */
  even: number;
}

export function summariseLooks({ logarithms, patches }: Looks): LooksSummary {
  const even = logarithms.length / patches;
  if (logarithms.length === 0) return { median: null, quartiles: null, even };
  const sorted = logarithms.toSorted();
  const at = (percent: number) => Math.exp(quantile(sorted, percent / 100));
  return { median: at(50), quartiles: [at(25), at(75)], even };
}
