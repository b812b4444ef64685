/**
 * What `preparePatch` does to the samples of a patch, in a graph: unit, speckle filter, gray, clipping, standardising.
 * Maps are [N, bands, height, width]. A sample that is not finite is missing, its pixel then is in all bands, and
 * becomes 0.
 *
 * preparePatch computes in float64, a graph in float32: sums are taken relative to a first mean, so that neither a large
 * offset nor a flat patch turns rounding into contrast.
 */
import type { Modality, Normalisation } from '../prepare/normalisation.ts';
import { FLAT } from '../prepare/prepared_patches.ts';
import { LUMA } from '../prepare/working_samples.ts';
import { type Arithmetic, arithmeticOf, isPresent } from './onnx_arithmetic.ts';
import type { OnnxGraph, Value } from './onnx_graph.ts';
import { leeFiltered } from './onnx_speckle.ts';
import { converted } from './onnx_units.ts';

export interface PreparedValue {
  /** Input of the network. */
  samples: Value;
  /** Number of valid pixels of each patch, [N, 1, 1, 1]. */
  count: Value;
}

/** @param x samples as a file holds them, [N, bands, h, w], SAR in the unit of the normalisation's `source`. */
export function preparedIn(
  graph: OnnxGraph,
  x: Value,
  modality: Modality,
  normalisation: Normalisation,
): PreparedValue {
  const math = arithmeticOf(graph);
  const working = modality === 'sar' ? sarSamples(math, x, normalisation) : opticalSamples(math, x, normalisation);
  const isOneBand = modality === 'sar' || normalisation.optical.bands === 'gray';
  const valid = isPresent(math, isOneBand ? working : math.sum(working, [1])); // [N, 1, h, w]
  const count = math.sum(math.asFloat(valid), [1, 2, 3]);
  const { [modality]: spec } = normalisation;
  const filled = math.where(valid, working, 0);
  const limited = spec.clip ? math.clip(filled, spec.clip.low, spec.clip.high) : filled;
  const standardise = spec.standardise === 'dataset' ? byDataset : byPatch;
  return { samples: math.where(valid, standardise(math, { samples: limited, valid, count }, spec), 0), count };
}

function sarSamples(math: Arithmetic, x: Value, { sar }: Normalisation): Value {
  const samples = converted(math, x, sar.source, sar.unit);
  return sar.speckleFilter ? leeFiltered(math, samples, sar.unit, sar.speckleFilter) : samples;
}

/** One band of three, or of one: its product with the three weights of the luma sums up to itself. */
function opticalSamples(math: Arithmetic, x: Value, { optical }: Normalisation): Value {
  if (optical.bands === 'rgb') return x;
  return math.sum(math.multiply(x, math.graph.weights('luma', Float32Array.from(LUMA), [1, 3, 1, 1])), [1]);
}

/** Mean and standard deviation of the training split. */
type Statistics = Pick<Normalisation['optical'], 'mean' | 'std'>;

interface ValidSamples extends PreparedValue {
  valid: Value;
}

function byDataset(math: Arithmetic, { samples }: ValidSamples, { mean, std }: Statistics): Value {
  const scale = std! > FLAT * Math.abs(mean!) ? 1 / std! : 0;
  return math.multiply(math.subtract(samples, mean!), scale);
}

function byPatch(math: Arithmetic, { samples, valid, count }: ValidSamples): Value {
  const values = math.larger(math.multiply(count, samples.shape[1] as number), 1);
  const meanOf = (x: Value) => math.divide(math.sum(x, [1, 2, 3]), values);
  const deviationsFrom = (x: Value, mean: Value) => math.where(valid, math.subtract(x, mean), 0);
  const first = meanOf(math.where(valid, samples, 0));
  const near = deviationsFrom(samples, first);
  const rest = meanOf(near);
  const deviations = deviationsFrom(near, rest);
  const std = math.sqrt(meanOf(math.multiply(deviations, deviations)));
  const rounding = math.multiply(math.magnitude(math.add(first, rest)), FLAT);
  return math.where(math.isLess(rounding, std), math.divide(deviations, std), 0);
}
