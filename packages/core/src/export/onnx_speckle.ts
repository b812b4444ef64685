/** The Lee filter of `raster/lee_filter.ts` in a graph. */
import { amplitudeVariation, type LeeOptions } from '../raster/lee_filter.ts';
import type { Unit } from '../raster/raster.ts';
import { type Arithmetic, isPresent } from './onnx_arithmetic.ts';
import type { Value } from './onnx_graph.ts';
import { converted } from './onnx_units.ts';

/** Smallest normal float32: keeps 0 / 0 away. */
const TINY = 1.17549435e-38;

/** Filters SAR samples [N, 1, h, w]; samples that are not finite stay so. */
export function leeFiltered(math: Arithmetic, x: Value, unit: Unit, options: LeeOptions): Value {
  if (unit === 'dB') {
    const intensity = leeFiltered(math, converted(math, x, 'dB', 'intensity'), 'intensity', options);
    return converted(math, intensity, 'intensity', 'dB');
  }
  const noise = unit === 'intensity' ? 1 / options.looks : amplitudeVariation(options.looks);
  const { mean, variance, valid } = statisticsAround(math, x, options.window);
  const speckle = math.multiply(math.multiply(mean, mean), noise);
  const signal = math.larger(0, math.divide(math.subtract(variance, speckle), 1 + noise));
  const weight = math.divide(signal, math.larger(math.add(signal, speckle), TINY));
  const filtered = math.add(mean, math.multiply(weight, math.subtract(x, mean)));
  return math.where(valid, filtered, Number.NaN);
}

/**
 * Mean and variance of the valid samples in a window around each pixel. Samples are taken relative to the mean of the
 * patch, so that float32 does not lose the variance in the square of the mean.
 */
function statisticsAround(math: Arithmetic, x: Value, window: number) {
  const valid = isPresent(math, x);
  const isValid = math.asFloat(valid);
  const samples = math.where(valid, x, 0);
  const centre = math.divide(math.sum(samples, [1, 2, 3]), math.larger(math.sum(isValid, [1, 2, 3]), 1));
  const deviations = math.where(valid, math.subtract(samples, centre), 0);
  const count = math.larger(windowSums(math, isValid, window), 1);
  const shift = math.divide(windowSums(math, deviations, window), count);
  const squares = math.divide(windowSums(math, math.multiply(deviations, deviations), window), count);
  return {
    valid,
    mean: math.add(centre, shift),
    variance: math.subtract(squares, math.multiply(shift, shift)),
  };
}

/** Sums over the part of the window around each pixel that lies inside. */
function windowSums({ graph }: Arithmetic, x: Value, window: number): Value {
  const ones = graph.weights(`ones.${window}`, new Float32Array(window * window).fill(1), [1, 1, window, window]);
  const radius = (window - 1) / 2;
  const attributes = { kernel_shape: [window, window], pads: [radius, radius, radius, radius] };
  return graph.node('Conv', [x, ones], x.shape, { attributes });
}
