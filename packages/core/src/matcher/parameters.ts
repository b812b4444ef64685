/** Tensors of a matcher by name and shape, and the values that training starts from. */
import * as tf from '@tensorflow/tfjs-core';
import { philoxNormal, philoxUniform } from '../base/philox.ts';
import { hash32 } from '../base/random.ts';

/**
 * - `weight`: a filter or kernel, drawn at random; the L2 penalty is on these
 * - `shift`: a bias or β, from 0; `scale`: γ, from 1
 * - `logScale`: logarithm of the factor on a similarity, from ln 30; `midpoint`: the similarity of even odds, from 0.3
 * - `mean`, `variance`: moving statistics of batch normalisation, from 0 and 1; no gradient
 */
export type ParameterKind = 'weight' | 'shift' | 'scale' | 'logScale' | 'midpoint' | 'mean' | 'variance';

export interface ParameterSpec {
  name: string;
  kind: ParameterKind;
  /** Filters [height, width, in, out], kernels [in, out], the rest [channels]. */
  shape: number[];
  /** Marks the layer that makes the logits, with no rectifier behind it. */
  isOutput?: boolean;
}

/**
 * - `he-normal`: N(0, 2/fan in) (He et al., Delving Deep into Rectifiers, 2015), which keeps the variance through a ReLU. The
 *   output layer has none and starts from N(0, 0.01²): logits near 0 and a loss near ln 2, instead of confident guesses that
 *   training has to take back first
 * - `glorot-uniform`: U(±√(6/(fan in + fan out))) (Glorot and Bengio, 2010), in all layers
 */
export type Initialisation = 'glorot-uniform' | 'he-normal';

const OUTPUT_DEVIATION = 0.01;

export const isStatistic = ({ kind }: ParameterSpec) => kind === 'mean' || kind === 'variance';

/** `sar.conv1` → `sar.bn1` */
export const normName = (conv: string) => conv.replace(/conv(\d+)$/, 'bn$1');

/** @param shape of the filter, [height, width, in, out]. @param batchNorm has it in place of a bias. */
export function convParameters(
  name: string,
  shape: [number, number, number, number],
  batchNorm: boolean,
): ParameterSpec[] {
  const to = shape[3];
  const filter: ParameterSpec = { name: `${name}.filter`, kind: 'weight', shape };
  if (!batchNorm) return [filter, { name: `${name}.bias`, kind: 'shift', shape: [to] }];
  const norm = normName(name);
  return [
    filter,
    { name: `${norm}.gamma`, kind: 'scale', shape: [to] },
    { name: `${norm}.beta`, kind: 'shift', shape: [to] },
    { name: `${norm}.mean`, kind: 'mean', shape: [to] },
    { name: `${norm}.variance`, kind: 'variance', shape: [to] },
  ];
}

export function denseParameters(name: string, from: number, to: number, isOutput = false): ParameterSpec[] {
  return [
    { name: `${name}.kernel`, kind: 'weight', shape: [from, to], isOutput },
    { name: `${name}.bias`, kind: 'shift', shape: [to] },
  ];
}

/** Factor e^s on a similarity, where training starts: cosines of 0 to 1 become logits that tell apart. */
const INITIAL_SCALE = 30;
const INITIAL_MIDPOINT = 0.3;

export const similarityParameters = (name: string): ParameterSpec[] => [
  { name: `${name}.logScale`, kind: 'logScale', shape: [1] },
  { name: `${name}.midpoint`, kind: 'midpoint', shape: [1] },
];

/** Initial values of a tensor. A seed gives the same ones on every backend; they depend on the tensor's name, not on its place. */
export function initialValues(
  { name, kind, shape, isOutput }: ParameterSpec,
  how: Initialisation,
  seed: number,
): tf.Tensor {
  if (kind === 'scale' || kind === 'variance') return tf.ones(shape);
  if (kind === 'logScale') return tf.fill(shape, Math.log(INITIAL_SCALE));
  if (kind === 'midpoint') return tf.fill(shape, INITIAL_MIDPOINT);
  if (kind !== 'weight') return tf.zeros(shape);
  const count = shape.reduce((product, side) => product * side, 1);
  const [from, to] = shape.slice(-2) as [number, number];
  const taps = count / (from * to);
  const draw = { seed: hash32(JSON.stringify([seed, 'initialisation', name])) >>> 0, offset: 0 };
  if (how === 'he-normal') {
    const deviation = isOutput ? OUTPUT_DEVIATION : Math.sqrt(2 / (taps * from));
    return tf.tensor(
      philoxNormal(count, draw).map((value) => value * deviation),
      shape,
    );
  }
  const limit = Math.sqrt(6 / (taps * (from + to)));
  return tf.tensor(
    philoxUniform(count, draw).map((value) => (2 * value - 1) * limit),
    shape,
  );
}
