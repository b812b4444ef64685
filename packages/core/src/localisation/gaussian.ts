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

/** Samples that are smoothed together: few enough for a fast cache. */
const CHUNK = 2048;

function smoothLines(image: Float32Array, kernel: Float64Array, { lines, length, block }: Lines): Float32Array {
  const to = new Float32Array(image.length);
  const reach = (kernel.length - 1) / 2;
  const padded = new Float32Array((length + 2 * reach) * block);
  const size = length * block;
  for (let line = 0; line < lines; line++) {
    const start = line * size;
    padded.set(image.subarray(start, start + size), reach * block);
    for (let step = 0; step < reach; step++) {
      copyBlock(padded, reach + mirrored(step - reach, length), step, block);
      copyBlock(padded, reach + mirrored(length + step, length), reach + length + step, block);
    }
    for (let from = 0; from < size; from += CHUNK) {
      smoothChunk(padded, to.subarray(start + from, start + Math.min(size, from + CHUNK)), kernel, block, from);
    }
  }
  return to;
}

/** @param from sample of the line where the chunk begins. */
function smoothChunk(padded: Float32Array, to: Float32Array, kernel: Float64Array, block: number, from: number): void {
  const reach = (kernel.length - 1) / 2;
  const middle = from + reach * block;
  const own = kernel[reach]!;
  for (let i = 0; i < to.length; i++) to[i] = own * padded[middle + i]!;
  for (let tap = 1; tap <= reach; tap++) {
    const [before, after, weight] = [middle - tap * block, middle + tap * block, kernel[reach + tap]!];
    for (let i = 0; i < to.length; i++) to[i] = to[i]! + weight * (padded[before + i]! + padded[after + i]!);
  }
}

const copyBlock = (samples: Float32Array, from: number, to: number, block: number) =>
  samples.copyWithin(to * block, from * block, (from + 1) * block);

function mirrored(position: number, length: number): number {
  const period = 2 * length;
  const folded = ((position % period) + period) % period;
  return folded < length ? folded : period - 1 - folded;
}
