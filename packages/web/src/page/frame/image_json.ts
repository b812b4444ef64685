/** Samples as the server takes them in JSON: base64 of little-endian float32, NaN where they are missing. */
import type { Raster } from '@doppel/core/raster';

export function imageOf({ data, width, height, bands, unit, noData }: Raster) {
  const samples = data.slice();
  noData?.forEach((isMissing, pixel) => {
    if (isMissing) samples.fill(Number.NaN, pixel * bands, (pixel + 1) * bands);
  });
  return { data: base64Of(new Uint8Array(samples.buffer)), shape: [height, width, bands], unit };
}

/** Bytes that are turned into text at a time: arguments of a function are bounded. */
const AT_ONCE = 8192;

function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE) text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(text);
}
