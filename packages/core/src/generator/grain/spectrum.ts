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
  const table = waves(
    frequencies,
    window,
    Float64Array.from({ length: window }, (_, i) => i),
  );
  // Σ hann² = 3w/8 along an axis.
  const hann = Float64Array.from({ length: window }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / window) ** 2);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spectrum = new Float64Array(frequencies * frequencies);
  const starts = startsOf(side, window);
  const scale = 1 / ((starts.length * window * 3) / 8) ** 2;
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
