/** Two-dimensional Fourier transform of complex images whose sides are powers of two. */
import FFT from 'fft.js';

/** Numbers in pairs of real and imaginary part. */
export interface ComplexImage {
  /** [height, width, 2] */
  readonly data: Float64Array;
  readonly height: number;
  readonly width: number;
}

/** @param filled rows from the top that are not all zero; default: all. */
export function fourier(image: ComplexImage, filled = image.height): ComplexImage {
  const across = linesOf(image, (fft, out, line) => fft.transform(out, line), filled);
  return transposed(linesOf(transposed(across), (fft, out, line) => fft.transform(out, line)));
}

/** @param wanted rows from the top that are needed; those below stay zero. Default: all. */
export function inverseFourier(image: ComplexImage, wanted = image.height): ComplexImage {
  const down = linesOf(transposed(image), (fft, out, line) => fft.inverseTransform(out, line));
  return linesOf(transposed(down), (fft, out, line) => fft.inverseTransform(out, line), wanted);
}

/** The least power of two that is not below `length`, and at least 2. */
export const powerOfTwo = (length: number) => 2 ** Math.max(1, Math.ceil(Math.log2(length)));

const plans = new Map<number, FFT>();

function planOf(size: number): FFT {
  const plan = plans.get(size) ?? new FFT(size);
  plans.set(size, plan);
  return plan;
}

function linesOf(
  { data, height, width }: ComplexImage,
  transform: (fft: FFT, out: Float64Array, line: Float64Array) => void,
  lines = height,
): ComplexImage {
  const fft = planOf(width);
  const to = new Float64Array(data.length);
  for (let y = 0; y < lines; y++) {
    const [start, end] = [y * width * 2, (y + 1) * width * 2];
    transform(fft, to.subarray(start, end), data.subarray(start, end));
  }
  return { data: to, height, width };
}

function transposed({ data, height, width }: ComplexImage): ComplexImage {
  const to = new Float64Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, at] = [(y * width + x) * 2, (x * height + y) * 2];
      to[at] = data[from]!;
      to[at + 1] = data[from + 1]!;
    }
  }
  return { data: to, height: width, width: height };
}
