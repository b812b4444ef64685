/** Correlation of a template with every place of a window. */
import type { FeatureMap } from './feature_map.ts';
import { type ComplexImage, fourier, inverseFourier, powerOfTwo } from './fourier.ts';

/** Correlations of a template by the row and column of its upper left cell in the window. */
export interface CorrelationMap {
  /** [height, width], in [−1, 1]. */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Mean over the template's cells of the scalar products: as vectors have unit length, the normalised cross-correlation.
 *
 * Two channels travel as one complex image: the real part of the correlation of a + ib with c + id is that of a with c
 * plus that of b with d.
 *
 * @throws RangeError where the template does not fit into the window.
 */
export function correlate(template: FeatureMap, window: FeatureMap): CorrelationMap {
  const [height, width] = [window.height - template.height + 1, window.width - template.width + 1];
  if (height < 1 || width < 1 || template.channels !== window.channels) {
    throw new RangeError(`a template of ${shape(template)} in a window of ${shape(window)} cells`);
  }
  const size = { height: powerOfTwo(window.height), width: powerOfTwo(window.width) };
  const products: ComplexImage = { ...size, data: new Float64Array(size.height * size.width * 2) };
  for (let channel = 0; channel < template.channels; channel += 2) {
    const a = fourier(channelPair(template, channel, size), template.height);
    addProduct(products, a, fourier(channelPair(window, channel, size), window.height));
  }
  const { data } = inverseFourier(products, height);
  const scale = 1 / (template.height * template.width);
  const values = new Float32Array(height * width);
  for (let i = 0; i < values.length; i++) {
    values[i] = data[(Math.floor(i / width) * size.width + (i % width)) * 2]! * scale;
  }
  return { values, height, width };
}

const shape = ({ height, width, channels }: FeatureMap) => `${height} × ${width} × ${channels}`;

/** Channels `channel` and `channel + 1` as real and imaginary part, zeros around. */
function channelPair(map: FeatureMap, channel: number, size: { height: number; width: number }): ComplexImage {
  const data = new Float64Array(size.height * size.width * 2);
  const hasSecond = channel + 1 < map.channels;
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++) {
      const [from, to] = [(y * map.width + x) * map.channels + channel, (y * size.width + x) * 2];
      data[to] = map.data[from]!;
      if (hasSecond) data[to + 1] = map.data[from + 1]!;
    }
  }
  return { ...size, data };
}

/** Adds conj(a)·b. */
function addProduct({ data: sum }: ComplexImage, { data: a }: ComplexImage, { data: b }: ComplexImage): void {
  for (let i = 0; i < sum.length; i += 2) {
    sum[i]! += a[i]! * b[i]! + a[i + 1]! * b[i + 1]!;
    sum[i + 1]! += a[i]! * b[i + 1]! - a[i + 1]! * b[i]!;
  }
}
