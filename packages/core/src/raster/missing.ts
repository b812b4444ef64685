/** Which pairs are not worth keeping, for too much of them is missing. */
import type { Raster } from './raster.ts';

/** Share of pixels without data, in [0, 1]. */
export function shareMissing({ noData, width, height }: Raster): number {
  if (!noData) return 0;
  return noData.reduce((sum, flag) => sum + flag, 0) / (width * height);
}

/** Undefined where the pair is kept. A patch that is missing as a whole never is. @param maxNoData share in [0, 1] */
export function reasonToSkip(
  { sar, optical }: { sar: Raster; optical: Raster },
  maxNoData: number,
): 'noDataInSar' | 'noDataInOptical' | undefined {
  const isKept = (patch: Raster) => {
    const share = shareMissing(patch);
    return share < 1 && share <= maxNoData;
  };
  if (!isKept(sar)) return 'noDataInSar';
  return isKept(optical) ? undefined : 'noDataInOptical';
}
