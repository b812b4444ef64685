/**
 * A network read by sizes alone: no tensor is made. It gives the parameters of an architecture, in the order of its
 * checkpoints, and what each layer computes, from the one definition that training and scoring run.
 */
import { MODALITIES } from '../prepare/normalisation.ts';
import { sizeOf } from '../prepare/patch_source.ts';
import type { MatcherConfig } from './architecture.ts';
import { ARCHITECTURES } from './architectures.ts';
import type { ConvOptions, Layers } from './layers.ts';
import { convParameters, denseParameters, type ParameterSpec, similarityParameters } from './parameters.ts';

/** [N, h, w, c] or [N, c] */
type Size = readonly number[];

/** A layer with parameters as it meets one pair. */
export interface NetworkLayer {
  name: string;
  kind: 'conv' | 'dense' | 'scale';
  /** [h, w, c] or [c], likewise `output`. */
  input: Size;
  output: Size;
  /** Pixels between the centres of neighbouring outputs; 1 for a dense layer. */
  strides: number;
  /** Distance of neighbouring taps of a filter in pixels; 1 for a dense layer. */
  dilations: number;
  /** Floating-point operations of the plain algorithm, a multiply-add being two, without bias and normalisation. */
  flops: number;
  parameters: ParameterSpec[];
}

/** The layers of a matcher in the order in which they compute. */
export function networkOf(config: MatcherConfig): NetworkLayer[] {
  const layers: NetworkLayer[] = [];
  const patches = (modality: 'sar' | 'optical') => [1, ...sizeOf(config, modality)];
  ARCHITECTURES.get(config.preset).logits<Size>(sizeLayers(layers), patches('sar'), patches('optical'), config);
  return layers;
}

/** The tensors of a matcher, in the order of a checkpoint. */
export function parameterSpecs(config: MatcherConfig): ParameterSpec[] {
  const specs = new Map<string, ParameterSpec>(); // by name: streams may share their weights
  for (const { parameters } of [...networkOf(config), ...descriptorLayers(config)]) {
    for (const spec of parameters) specs.set(spec.name, spec);
  }
  return [...specs.values()];
}

/** Layers of the descriptors, which have parameters of their own in some architectures. */
function descriptorLayers(config: MatcherConfig): NetworkLayer[] {
  const layers: NetworkLayer[] = [];
  const { towers } = ARCHITECTURES.get(config.preset);
  for (const sensor of MODALITIES) {
    towers?.descriptor<Size>(sizeLayers(layers), sensor, [1, ...sizeOf(config, sensor)], config);
  }
  return layers;
}

function sizeLayers(found: NetworkLayer[]): Layers<Size> {
  const halves = new Map<string, Size>(); // inputs of convolutions over two maps, by name and half

  function convOver(name: string, input: Size, options: ConvOptions): Size {
    const { channels, size = 3, strides = 1, dilations = 1, batchNorm = false } = options;
    const [n, h, w, from] = input as [number, number, number, number];
    const output = [n, Math.ceil(h / strides), Math.ceil(w / strides), channels] as const;
    const flops = 2 * output[1] * output[2] * channels * size * size * from;
    const parameters = convParameters(name, [size, size, from, channels], batchNorm);
    const sizes = { input: input.slice(1), output: output.slice(1) };
    found.push({ name, kind: 'conv', ...sizes, strides, dilations, flops, parameters });
    return output;
  }

  return {
    conv: convOver,
    halfConv(name, x, half, { channels, strides = 1 }) {
      halves.set(`${name} ${half}`, x);
      const [n, h, w] = x as [number, number, number, number];
      return [n, Math.ceil(h / strides), Math.ceil(w / strides), channels];
    },
    sumHalves(name, _first, _second, options) {
      const [first, second] = ['first', 'second'].map((half) => halves.get(`${name} ${half}`) ?? []);
      return convOver(name, joined([first!, second!]), options);
    },
    dense(name, x, { channels, isOutput = false }) {
      const [n, from] = x as [number, number];
      const parameters = denseParameters(name, from, channels, isOutput);
      const flops = 2 * from * channels;
      found.push({
        name,
        kind: 'dense',
        input: [from],
        output: [channels],
        strides: 1,
        dilations: 1,
        flops,
        parameters,
      });
      return [n, channels];
    },
    dropout: (x) => x,
    maxPool: ([n, h, w, c]) => [n!, Math.floor(h! / 2), Math.floor(w! / 2), c!],
    concat: joined,
    mean: ([n, , , c]) => [n!, c!],
    max: ([n, , , c]) => [n!, c!],
    flatten: ([n, ...rest]) => [n!, rest.reduce((product, side) => product * side, 1)],
    rows: (x, rows) => [rows.length, ...x.slice(1)],
    add: (a) => a,
    upsample: ([n, , , c], like) => [n!, like[1]!, like[2]!, c!],
    unit: (x) => x,
    correlate: ([t, h, w], [n, height, width]) => [t!, n!, height! - h! + 1, width! - w! + 1],
    peak: ([n], [m]) => [Math.max(n!, m!)],
    scaledLogits(name, [n]) {
      const parameters = similarityParameters(name);
      found.push({ name, kind: 'scale', input: [], output: [2], strides: 1, dilations: 1, flops: 2, parameters });
      return [n!, 2];
    },
  };
}

const joined = (parts: readonly Size[]): Size => [
  ...parts[0]!.slice(0, -1),
  parts.reduce((sum, part) => sum + part.at(-1)!, 0),
];
