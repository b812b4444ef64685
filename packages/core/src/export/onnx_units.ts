/** Conversion between radar units in a graph. What a unit cannot express is not finite, and thus missing. */
import { UsageError } from '../errors.ts';
import type { Unit } from '../raster/raster.ts';
import { isRadarUnit } from '../raster/units.ts';
import type { Arithmetic } from './onnx_arithmetic.ts';
import type { Value } from './onnx_graph.ts';

type Conversion = (math: Arithmetic, x: Value) => Value;

const toDecibels =
  (factor: number): Conversion =>
  (math, x) =>
    math.multiply(math.log(x), factor / Math.LN10);
const fromDecibels =
  (factor: number): Conversion =>
  (math, x) =>
    math.exp(math.multiply(x, Math.LN10 / factor));

/** Conversions by `from to`; an amplitude below 0 is none. */
const CONVERSIONS: Record<string, Conversion> = {
  'amplitude dB': toDecibels(20),
  'intensity dB': toDecibels(10),
  'dB amplitude': fromDecibels(20),
  'dB intensity': fromDecibels(10),
  'amplitude intensity': (math, x) => math.where(math.isLess(x, 0), Number.NaN, math.multiply(x, x)),
  'intensity amplitude': (math, x) => math.sqrt(x),
};

/** @throws UsageError where one of the units is not a radar's. */
export function converted(math: Arithmetic, x: Value, from: Unit, to: Unit): Value {
  if (from === to) return x;
  if (!isRadarUnit(from) || !isRadarUnit(to)) {
    const expected = 'units that convert into each other';
    throw new UsageError({ action: 'export the model', expected, found: `SAR samples in ${from}, used in ${to}` });
  }
  return CONVERSIONS[`${from} ${to}`]!(math, x);
}
