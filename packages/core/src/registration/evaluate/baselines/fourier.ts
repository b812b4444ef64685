/** Fourier transform of the plane, for sides that are powers of two (Cooley and Tukey 1965, radix 2, in place). */

export interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Transforms the rows, then the columns of [side, side]. The inverse is not divided by side². */
export function fourierPlane({ re, im }: Complex, side: number, isInverse = false): void {
  const line: Complex = { re: new Float64Array(side), im: new Float64Array(side) };
  for (let row = 0; row < side; row++) {
    const [from, to] = [row * side, (row + 1) * side];
    fourier({ re: re.subarray(from, to), im: im.subarray(from, to) }, isInverse);
  }
  for (let column = 0; column < side; column++) {
    for (let row = 0; row < side; row++) {
      line.re[row] = re[row * side + column]!;
      line.im[row] = im[row * side + column]!;
    }
    fourier(line, isInverse);
    for (let row = 0; row < side; row++) {
      re[row * side + column] = line.re[row]!;
      im[row * side + column] = line.im[row]!;
    }
  }
}

function fourier({ re, im }: Complex, isInverse: boolean): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const angle = ((isInverse ? 2 : -2) * Math.PI) / size;
    for (let k = 0; k < size / 2; k++) {
      const [cos, sin] = [Math.cos(angle * k), Math.sin(angle * k)];
      for (let i = k; i < n; i += size) {
        const j = i + size / 2;
        const [a, b] = [re[j]! * cos - im[j]! * sin, re[j]! * sin + im[j]! * cos];
        re[j] = re[i]! - a;
        im[j] = im[i]! - b;
        re[i]! += a;
        im[i]! += b;
      }
    }
  }
}
