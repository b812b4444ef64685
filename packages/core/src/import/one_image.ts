/** Recognises one image that is taken for both sensors, as a file or as its copy: a perfect match of itself. */
import { isFlat } from '../dataset/shared_images.ts';
import type { Raster } from '../raster/raster.ts';

/** A sentence for the findings, where an optical band holds the SAR samples; a pair that shows nothing has none. */
export function oneImage({ sar, optical }: { sar: Raster; optical: Raster }): string[] {
  const bands = Array.from({ length: optical.bands }, (_, i) => i);
  const isOne = bands.some((band) => holds(optical, band, sar)) && !isFlat(sar);
  return isOne ? ['both hold the same samples: one image is taken for both sensors'] : [];
}

const holds = ({ data, bands }: Raster, band: number, sar: Raster) =>
  sar.data.every((sample, i) => Object.is(sample, data[i * bands + band]!));
