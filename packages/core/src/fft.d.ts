/** The radix-4 Fourier transform, which comes without types: what of it is used. Complex numbers lie in pairs. */
declare module 'fft.js' {
  export default class FFT {
    /** @param size a power of two, above 1. */
    constructor(size: number);
    transform(out: Float64Array, data: Float64Array): void;
    /** Divides by the size. */
    inverseTransform(out: Float64Array, data: Float64Array): void;
  }
}
