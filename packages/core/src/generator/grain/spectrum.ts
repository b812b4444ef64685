/**
 * Power spectra of textures, symmetric along both axes, and Gaussian textures of a given spectrum.
 *
 * A spectrum is a square of densities at the frequencies 0, 1/w … 1/2 along each axis; that of white noise of unit
 * variance is 1 everywhere.
 */
import { philoxNormal } from '../../base/philox.ts';

/** Side of the windows whose spectrum is taken: a power of 2, at most 32. */
export const spectrumSide = (side: number): number => 2 ** Math.min(5, Math.floor(Math.log2(side)));

/** Number of frequencies along an axis of the spectrum of patches of a side. */
export const frequenciesOf = (side: number): number => spectrumSide(side) / 2 + 1;

/** Rows: cosines of the frequencies, then sines, at given positions. [2 · frequencies][positions] */
function waves(frequencies: number, period: number, positions: ArrayLike<number>): Float64Array[] {
  return Array.from({ length: 2 * frequencies }, (_, row) => {
    const angle = (2 * Math.PI * (row % frequencies)) / period;
    const wave = row < frequencies ? Math.cos : Math.sin;
    return Float64Array.from(positions, (position) => wave(angle * position));
  });
}

/** Welch's estimate: the mean over half-overlapping Hann windows. @returns [frequencies · frequencies] */
export function powerSpectrum(values: Float32Array, side: number): Float64Array {
  const window = spectrumSide(side);
  const frequencies = window / 2 + 1;
  const table = waves(frequencies, window, counting(window));
  const hann = hannOf(window);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spectrum = new Float64Array(frequencies * frequencies);
  const starts = startsOf(side, window);
  const scale = 1 / (starts.length * squaresOf(window)) ** 2;
  const half = new Float64Array(window);
  for (const top of starts) {
    for (const left of starts) {
      for (let row = 0; row < 2 * frequencies; row++) {
        half.fill(0);
        for (let y = 0; y < window; y++) {
          const weight = table[row]![y]! * hann[y]!;
          const at = (top + y) * side + left;
          for (let x = 0; x < window; x++) half[x]! += weight * (values[at + x]! - mean);
        }
        for (let x = 0; x < window; x++) half[x]! *= hann[x]!;
        const f = row % frequencies;
        for (let column = 0; column < 2 * frequencies; column++) {
          const wave = table[column]!;
          let sum = 0;
          for (let x = 0; x < window; x++) sum += wave[x]! * half[x]!;
          spectrum[f * frequencies + (column % frequencies)]! += sum * sum * scale;
        }
      }
    }
  }
  return spectrum;
}

const counting = (length: number): Float64Array => Float64Array.from({ length }, (_, i) => i);

const hannOf = (window: number): Float64Array =>
  Float64Array.from({ length: window }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / window) ** 2);

/** Σ hann² along an axis. */
const squaresOf = (window: number): number => (3 * window) / 8;

function startsOf(side: number, window: number): number[] {
  const count = Math.ceil((side - window) / (window / 2)) + 1;
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (side - window)) / (count - 1))));
}

/** Number of signed frequencies that an entry stands for. */
const multiplicity = (f: number, frequencies: number): number => (f === 0 || f === frequencies - 1 ? 1 : 2);

/** Variance of a texture of a spectrum. */
export function varianceOf(spectrum: Float64Array): number {
  const frequencies = Math.sqrt(spectrum.length);
  const window = 2 * (frequencies - 1);
  let sum = 0;
  for (let f = 0; f < frequencies; f++) {
    for (let g = 0; g < frequencies; g++) {
      sum += spectrum[f * frequencies + g]! * multiplicity(f, frequencies) * multiplicity(g, frequencies);
    }
  }
  return sum / window ** 2;
}

/** First frequencies of the bands of an axis, over the highest frequency. */
const BANDS = [0, 0.2, 0.5];

/**
 * Spectrum whose power in each band is that of a measured one: the mean of logarithms is below the logarithm of the mean,
 * the more so the more a band fluctuates.
 */
export function withBandsOf(measured: Float64Array, spectrum: Float64Array): Float64Array {
  const frequencies = Math.sqrt(spectrum.length);
  const bandOf = (f: number) => BANDS.findLastIndex((first) => f >= first * (frequencies - 1));
  const at = spectrum.map((_, i) => bandOf(Math.floor(i / frequencies)) * BANDS.length + bandOf(i % frequencies));
  const sums = [measured, spectrum].map((powers) => {
    const sum = new Float64Array(BANDS.length ** 2);
    powers.forEach((power, i) => {
      const signed =
        multiplicity(Math.floor(i / frequencies), frequencies) * multiplicity(i % frequencies, frequencies);
      sum[at[i]!]! += power * signed;
    });
    return sum;
  });
  return spectrum.map((power, i) => (power * sums[0]![at[i]!]!) / sums[1]![at[i]!]!);
}

/**
 * Gaussian texture of a spectrum, read at positions of rows and columns in pixels, which need not be whole: it is a sum
 * of waves with random amplitudes, of a period of twice the side.
 *
 * @returns [rows · columns]
 */
export function drawTexture(
  spectrum: Float64Array,
  { rows, columns }: { rows: Float64Array; columns: Float64Array },
  draw: { seed: number; offset: number },
): Float32Array {
  const period = 2 * Math.max(rows.length, columns.length);
  const frequencies = period / 2 + 1;
  const width = 2 * frequencies;
  const amplitudes = amplitudesOf(spectrum, frequencies);
  const noise = philoxNormal(width * width, draw);
  const [down, right] = [waves(frequencies, period, rows), waves(frequencies, period, columns)];
  const texture = new Float32Array(rows.length * columns.length);
  const line = new Float64Array(columns.length);
  for (let f = 0; f < width; f++) {
    line.fill(0);
    for (let g = 0; g < width; g++) {
      const amplitude = amplitudes[(f % frequencies) * frequencies + (g % frequencies)]! * noise[f * width + g]!;
      const wave = right[g]!;
      for (let x = 0; x < line.length; x++) line[x]! += amplitude * wave[x]!;
    }
    for (let y = 0; y < rows.length; y++) {
      const weight = down[f]![y]!;
      for (let x = 0; x < line.length; x++) texture[y * line.length + x]! += weight * line[x]!;
    }
  }
  return texture;
}

/** Deviations of the waves: the spectrum between its frequencies, linear in its logarithm. */
function amplitudesOf(spectrum: Float64Array, frequencies: number): Float64Array {
  const coarse = Math.sqrt(spectrum.length);
  const logarithms = spectrum.map((value) => Math.log(Math.max(value, 1e-9)));
  const amplitudes = new Float64Array(frequencies * frequencies);
  const ratio = (coarse - 1) / (frequencies - 1);
  for (let f = 0; f < frequencies; f++) {
    for (let g = 0; g < frequencies; g++) {
      const density = Math.exp(bilinear(logarithms, coarse, f * ratio, g * ratio));
      const signed = multiplicity(f, frequencies) * multiplicity(g, frequencies);
      amplitudes[f * frequencies + g] = Math.sqrt(density * signed) / (2 * (frequencies - 1));
    }
  }
  return amplitudes;
}

function bilinear(values: Float64Array, width: number, y: number, x: number): number {
  const [top, left] = [Math.min(Math.floor(y), width - 2), Math.min(Math.floor(x), width - 2)];
  const [v, u] = [y - top, x - left];
  const at = (row: number, column: number) => values[row * width + column]!;
  return (
    (1 - v) * ((1 - u) * at(top, left) + u * at(top, left + 1)) +
    v * ((1 - u) * at(top + 1, left) + u * at(top + 1, left + 1))
  );
}

const SHARPENINGS = 8;

/**
 * Spectrum of a texture that has the given one when it is read at positions and measured: windows and uneven steps spread
 * the power of a frequency to others (Richardson 1972; Lucy 1974).
 *
 * @param measured by `powerSpectrum`, at the side of the positions.
 */
export function sharpened(
  measured: Float64Array,
  { rows, columns }: { rows: Float64Array; columns: Float64Array },
): Float64Array {
  const [down, across] = [spreadOf(rows), spreadOf(columns)];
  const frequencies = down.length;
  const [downBack, acrossBack] = [transposed(down), transposed(across)];
  const whole = along(new Float64Array(measured.length).fill(1), downBack, acrossBack, frequencies);
  let spectrum = measured;
  for (let i = 0; i < SHARPENINGS; i++) {
    const found = along(spectrum, down, across, frequencies);
    const missing = along(
      measured.map((power, at) => power / Math.max(found[at]!, 1e-12)),
      downBack,
      acrossBack,
      frequencies,
    );
    spectrum = spectrum.map((power, at) => (power * missing[at]!) / whole[at]!);
  }
  return spectrum;
}

/** Measured power at each frequency (rows) of unit density at each (columns), read at positions. */
function spreadOf(positions: Float64Array): Float64Array[] {
  const window = spectrumSide(positions.length);
  const frequencies = window / 2 + 1;
  const period = 2 * positions.length;
  const fine = period / 2 + 1;
  const [read, table, hann] = [
    waves(fine, period, positions),
    waves(frequencies, window, counting(window)),
    hannOf(window),
  ];
  const starts = startsOf(positions.length, window);
  const spread = Array.from({ length: frequencies }, () => new Float64Array(frequencies));
  for (const [row, wave] of read.entries()) {
    const at = ((row % fine) * (frequencies - 1)) / (fine - 1);
    const below = Math.min(Math.floor(at), frequencies - 2);
    const density = multiplicity(row % fine, fine) / period / squaresOf(window) / starts.length;
    for (const [line, other] of table.entries()) {
      let power = 0;
      for (const start of starts) {
        let sum = 0;
        for (let i = 0; i < window; i++) sum += hann[i]! * other[i]! * wave[start + i]!;
        power += sum * sum * density;
      }
      const into = spread[line % frequencies]!;
      into[below]! += power * (below + 1 - at);
      into[below + 1]! += power * (at - below);
    }
  }
  return spread;
}

const transposed = (matrix: readonly Float64Array[]): Float64Array[] =>
  matrix.map((_, column) => Float64Array.from(matrix, (row) => row[column]!));

/** down · spectrum · acrossᵀ */
function along(
  spectrum: Float64Array,
  down: readonly Float64Array[],
  across: readonly Float64Array[],
  frequencies: number,
): Float64Array {
  const half = new Float64Array(spectrum.length);
  down.forEach((weights, f) => {
    for (let k = 0; k < frequencies; k++) {
      for (let g = 0; g < frequencies; g++) half[f * frequencies + g]! += weights[k]! * spectrum[k * frequencies + g]!;
    }
  });
  return spectrum.map((_, i) => {
    const [f, weights] = [Math.floor(i / frequencies), across[i % frequencies]!];
    let sum = 0;
    for (let k = 0; k < frequencies; k++) sum += weights[k]! * half[f * frequencies + k]!;
    return sum;
  });
}
