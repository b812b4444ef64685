/**
 * The older methods that a registration is measured against, each as a score of every place of a template in a window:
 * raw normalised cross-correlation, phase correlation (Kuglin and Hines 1975), mutual information (Viola and Wells 1997;
 * joint histograms of 8 × 8 bins of equal frequency), and oriented gradients (CFOG).
 */
import { type CorrelationMap, correlationMap } from '../../../localisation/correlation.ts';
import { cropFeatures } from '../../../localisation/feature_map.ts';
import { orientedGradients } from '../../../localisation/oriented_gradients.ts';
import type { RasterWindow } from '../../../raster/window.ts';
import { fourierPlane } from './fourier.ts';
import type { Gray } from './gray.ts';

/** Scores of a SAR template in an optical window; both lie within their images. */
export type Scores = (template: RasterWindow, window: RasterWindow) => CorrelationMap | Promise<CorrelationMap>;

export const BASELINES = {
  'raw NCC': rawCorrelation,
  'phase correlation': phaseCorrelation,
  'mutual information': mutualInformation,
  CFOG: gradientCorrelation,
} satisfies Record<string, (sar: Gray, optical: Gray) => Scores>;

export type Baseline = keyof typeof BASELINES;

function gradientCorrelation(sar: Gray, optical: Gray): Scores {
  const raster = (gray: Gray) => ({ ...gray, bands: 1, unit: 'amplitude' as const });
  const [a, b] = [orientedGradients(raster(sar), 'sar'), orientedGradients(raster(optical), 'optical')];
  return (template, window) =>
    correlationMap(
      cropFeatures(a, template.column, template.row, template.width, template.height),
      cropFeatures(b, window.column, window.row, window.width, window.height),
    );
}

const mapFor = (template: RasterWindow, window: RasterWindow): CorrelationMap => {
  const [width, height] = [window.width - template.width + 1, window.height - template.height + 1];
  return { values: new Float32Array(width * height), width, height };
};

function rawCorrelation(sar: Gray, optical: Gray): Scores {
  return (template, window) => {
    const map = mapFor(template, window);
    const patch = cut(sar, template);
    const mean = patch.reduce((sum, each) => sum + each, 0) / patch.length;
    const centred = patch.map((each) => each - mean);
    const energy = centred.reduce((sum, each) => sum + each * each, 0);
    for (let i = 0; i < map.values.length; i++) {
      const [left, top] = [window.column + (i % map.width), window.row + Math.floor(i / map.width)];
      let [sum, squares, product] = [0, 0, 0];
      for (let y = 0; y < template.height; y++) {
        const from = (top + y) * optical.width + left;
        for (let x = 0; x < template.width; x++) {
          const value = optical.data[from + x]!;
          sum += value;
          squares += value * value;
          product += value * centred[y * template.width + x]!;
        }
      }
      const spread = energy * (squares - (sum * sum) / patch.length);
      map.values[i] = spread > 0 ? product / Math.sqrt(spread) : 0;
    }
    return map;
  };
}

function cut({ data, width }: Gray, window: RasterWindow): Float32Array {
  const patch = new Float32Array(window.width * window.height);
  for (let y = 0; y < window.height; y++) {
    const from = (window.row + y) * width + window.column;
    patch.set(data.subarray(from, from + window.width), y * window.width);
  }
  return patch;
}

const BINS = 8;

function mutualInformation(sar: Gray, optical: Gray): Scores {
  const [a, b] = [binned(sar.data), binned(optical.data)];
  const terms = Float64Array.from({ length: 1 + 2 ** 16 }, (_, count) => (count > 0 ? count * Math.log(count) : 0));
  const term = (count: number) => terms[count] ?? count * Math.log(count);
  return (template, window) => {
    const map = mapFor(template, window);
    const joint = new Uint32Array(BINS * BINS);
    for (let i = 0; i < map.values.length; i++) {
      const [left, top] = [window.column + (i % map.width), window.row + Math.floor(i / map.width)];
      joint.fill(0);
      for (let y = 0; y < template.height; y++) {
        const [from, to] = [(template.row + y) * sar.width + template.column, (top + y) * optical.width + left];
        for (let x = 0; x < template.width; x++) joint[a[from + x]! * BINS + b[to + x]!]!++;
      }
      map.values[i] = informationOf(joint, template.width * template.height, term);
    }
    return map;
  };
}

/** Σ p(a, b) log(p(a, b) / p(a)p(b)), in nats. */
function informationOf(joint: Uint32Array, total: number, term: (count: number) => number): number {
  let sum = term(total);
  for (let i = 0; i < BINS; i++) {
    let [row, column] = [0, 0];
    for (let j = 0; j < BINS; j++) {
      row += joint[i * BINS + j]!;
      column += joint[j * BINS + i]!;
      sum += term(joint[i * BINS + j]!);
    }
    sum -= term(row) + term(column);
  }
  return sum / total;
}

/** Bins of equal frequency. */
function binned(values: Float32Array): Uint8Array {
  const sorted = values.slice().sort();
  const edges = Array.from({ length: BINS - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)]!);
  return Uint8Array.from(values, (value) => edges.reduce((bin, edge) => bin + (value >= edge ? 1 : 0), 0));
}

function phaseCorrelation(sar: Gray, optical: Gray): Scores {
  return (template, window) => {
    const map = mapFor(template, window);
    const side = 2 ** Math.ceil(Math.log2(Math.max(window.width, window.height)));
    const [a, b] = [windowed(cut(sar, template), template, side), windowed(cut(optical, window), window, side)];
    fourierPlane(a, side);
    fourierPlane(b, side);
    for (let i = 0; i < side * side; i++) {
      const re = b.re[i]! * a.re[i]! + b.im[i]! * a.im[i]!;
      const im = b.im[i]! * a.re[i]! - b.re[i]! * a.im[i]!;
      const length = Math.hypot(re, im) || 1;
      b.re[i] = re / length;
      b.im[i] = im / length;
    }
    fourierPlane(b, side, true);
    for (let i = 0; i < map.values.length; i++) {
      map.values[i] = b.re[Math.floor(i / map.width) * side + (i % map.width)]! / (side * side);
    }
    return map;
  };
}

/** A patch without its mean under a Hann window, in the corner of a plane of zeros. */
function windowed(patch: Float32Array, { width, height }: RasterWindow, side: number) {
  const [re, im] = [new Float64Array(side * side), new Float64Array(side * side)];
  const mean = patch.reduce((sum, each) => sum + each, 0) / patch.length;
  const hann = (i: number, length: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      re[y * side + x] = (patch[y * width + x]! - mean) * hann(x, width) * hann(y, height);
    }
  }
  return { re, im };
}
