/** One template matched from one sensor to the other: where its peak lies, and whether the way back leads to it. */
import { type CorrelationMap, correlationMap } from '../localisation/correlation.ts';
import type { RasterWindow } from '../raster/window.ts';
import { cut, type Patchwork } from './chunk.ts';
import { type FittedPeak, fitPeak } from './peak_fit.ts';

export interface TemplateMatch {
  /** Distance from the template's place to that of its match, in pixels. */
  readonly column: number;
  readonly row: number;
  readonly peak: FittedPeak;
  /** Squared pixels: column-column, column-row, row-row. */
  readonly covariance: readonly [number, number, number];
}

/** Pixels from a peak beyond which another one is its rival. */
const APART = 8;

/**
 * @param expected offset about which it is searched. @param search pixels to each side.
 * @returns undefined where the features of template or window are not there.
 */
export async function matchTemplate(
  from: Patchwork,
  to: Patchwork,
  template: RasterWindow,
  expected: readonly [number, number],
  search: number,
): Promise<TemplateMatch | undefined> {
  const { stride } = from;
  const [dx, dy] = expected.map((each) => Math.round(each / stride) * stride) as [number, number];
  const window = {
    ...{ column: template.column + dx - search, row: template.row + dy - search },
    ...{ width: template.width + 2 * search, height: template.height + 2 * search },
  };
  const [pattern, ground] = [cut(from, template), cut(to, window)];
  if (!pattern || !ground) return undefined;
  const map: CorrelationMap = await correlationMap(pattern, ground);
  const peak = fitPeak(map, APART / stride);
  const [cc, cr, rr] = peak.covariance;
  return {
    column: dx - search + peak.column * stride,
    row: dy - search + peak.row * stride,
    peak,
    covariance: [cc * stride ** 2, cr * stride ** 2, rr * stride ** 2],
  };
}

/** Distance in pixels by which the match back misses the template; undefined where there is no room for it. */
export async function backwardError(
  from: Patchwork,
  to: Patchwork,
  template: RasterWindow,
  match: TemplateMatch,
  search: number,
): Promise<number | undefined> {
  const { stride } = from;
  const [dx, dy] = [match.column, match.row].map((each) => Math.round(each / stride) * stride) as [number, number];
  const found = { ...template, column: template.column + dx, row: template.row + dy };
  const back = await matchTemplate(to, from, found, [-dx, -dy], search);
  return back && Math.hypot(back.column + match.column, back.row + match.row);
}
