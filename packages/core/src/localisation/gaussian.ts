/** Gaussian smoothing of images of any number of channels. */

/** Half width of the kernel in pixels. */
export const gaussianReach = (sigma: number) => Math.ceil(3 * sigma);

/**
 * Smooths each channel; edges are mirrored.
 *
 * @param image [height, width, channels]. @param sigma standard deviation in pixels, above 0.
 */
export function gaussian(image: Float32Array, width: number, height: number, channels: number, sigma: number) {
  const kernel = kernelOf(sigma);
  const across = smoothLines(image, kernel, { lines: height, length: width, block: channels });
  return smoothLines(across, kernel, { lines: 1, length: height, block: width * channels });
}

function kernelOf(sigma: number): Float64Array {
  const reach = gaussianReach(sigma);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2 / (2 * sigma ** 2))),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Lines of `length` steps; each step is a block of neighbouring samples that are smoothed alike. */
interface Lines {
  lines: number;
  length: number;
  block: number;
}

function smoothLines(from: Float32Array, kernel: Float64Array, { lines, length, block }: Lines): Float32Array {
  const to = new Float32Array(from.length);
  const reach = (kernel.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    for (let step = 0; step < length; step++) {
      const target = (line * length + step) * block;
      for (let tap = -reach; tap <= reach; tap++) {
        const source = (line * length + mirrored(step + tap, length)) * block;
        const weight = kernel[tap + reach]!;
        for (let i = 0; i < block; i++) to[target + i]! += weight * from[source + i]!;
      }
    }
  }
  return to;
}

function mirrored(position: number, length: number): number {
  const period = 2 * length;
  const folded = ((position % period) + period) % period;
  return folded < length ? folded : period - 1 - folded;
}
