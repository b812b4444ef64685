/**
 * A matcher as ONNX: the pair model, for an architecture of dense cells its towers, and the same in the folder layout of
 * Triton. Batch normalisation is folded, patches go in as files hold them.
 *
 * Inputs are float32 [batch, bands, height, width]: the order in which GDAL and PyTorch hold images and ONNX convolves
 * them. float32 holds every sample of 8 and 16 bits exactly, and NaN says that one is missing.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sha256 } from '../base/sha256.ts';
import type { Architecture } from '../matcher/architecture.ts';
import { ARCHITECTURES } from '../matcher/architectures.ts';
import { UNCALIBRATED } from '../matcher/calibration.ts';
import { type Checkpoint, matcherOf, readCheckpoint } from '../matcher/checkpoint.ts';
import { foldBatchNorm } from '../matcher/tensor_layers.ts';
import { MODALITIES, type Modality, type Normalisation } from '../prepare/normalisation.ts';
import { type Values, valuesOf } from '../runs/values.ts';
import { arithmeticOf } from './onnx_arithmetic.ts';
import { OnnxGraph, type Port, type Value } from './onnx_graph.ts';
import { onnxLayers } from './onnx_layers.ts';
import { metadataOf } from './onnx_metadata.ts';
import { type PreparedValue, preparedIn } from './onnx_normalisation.ts';
import { tritonConfig } from './triton_config.ts';

/** One exported model. */
export interface OnnxModel {
  /** `pair`, `tower_sar` or `tower_optical`. */
  name: string;
  inputs: readonly Port[];
  outputs: readonly Port[];
  /** The file. */
  bytes: Uint8Array;
}

/** A checkpoint with what all of its models share. */
interface Source {
  checkpoint: Checkpoint;
  architecture: Architecture;
  weights: ReadonlyMap<string, Values>;
  metadata: Record<string, string>;
}

/**
 * Exports a checkpoint as `doppel train` writes it. Needs a backend, which folds the batch normalisation.
 *
 * @param file names the checkpoint in messages. @param card page of Markdown for the metadata; default: the checkpoint's facts.
 * @throws CheckpointError if it is damaged, or not the architecture that it names.
 */
export async function exportOnnx(bytes: Uint8Array, file: string, card?: string): Promise<OnnxModel[]> {
  const checkpoint = readCheckpoint(bytes, file);
  const source = {
    checkpoint,
    architecture: ARCHITECTURES.get(checkpoint.matcher.preset),
    weights: await foldedValues(checkpoint),
    metadata: metadataOf(checkpoint, await sha256(bytes), card),
  };
  const sensors = source.architecture.localisation ? MODALITIES : [];
  return [pairModel(source), ...sensors.map((sensor) => towerModel(source, sensor))];
}

/** Files of the models by path: each as NAME.onnx, and as `triton/NAME/1/model.onnx` with a configuration beside it. */
export const onnxFiles = (models: readonly OnnxModel[]): Map<string, Uint8Array | string> =>
  new Map(
    models.flatMap((model): [string, Uint8Array | string][] => [
      [`${model.name}.onnx`, model.bytes],
      [`triton/${model.name}/1/model.onnx`, model.bytes],
      [`triton/${model.name}/config.pbtxt`, tritonConfig(model)],
    ]),
  );

async function foldedValues(checkpoint: Checkpoint): Promise<Map<string, Values>> {
  const matcher = matcherOf(checkpoint);
  const folded = foldBatchNorm(matcher.parameters, matcher.statistics);
  matcher.dispose();
  const values = await valuesOf(folded);
  tf.dispose([...folded.values()]);
  return values;
}

/** Two patches → score and probability, NaN where a patch has no valid pixel. */
function pairModel({ checkpoint, architecture, weights, metadata }: Source): OnnxModel {
  const { matcher, normalisation, calibration } = checkpoint;
  const graph = new OnnxGraph();
  const { side } = matcher;
  const inputs = MODALITIES.map((sensor) => patchPort(sensor, normalisation, side, side));
  const [sar, optical] = MODALITIES.map((sensor, i) =>
    preparedIn(graph, graph.input(inputs[i]!), sensor, normalisation),
  ) as [PreparedValue, PreparedValue];
  const layers = onnxLayers(graph, weights);
  const score = difference(graph, architecture.logits(layers, sar.samples, optical.samples, matcher));
  const { temperature } = calibration ?? UNCALIBRATED;
  const math = arithmeticOf(graph);
  const probability = math.sigmoid(math.divide(score, temperature));
  const isUsable = [sar, optical].map(({ count }) =>
    math.isLess(0, graph.node('Reshape', [count, graph.integers([-1, 1])], [undefined, 1])),
  );
  const ifUsable = (x: Value) => math.where(math.both(...isUsable), x, Number.NaN);
  const outputs = [
    portOf('score', ['batch', 1], 'Difference of logits, uncalibrated: positive for a match'),
    portOf('probability', ['batch', 1], 'Calibrated probability of a match'),
  ];
  graph.output(outputs[0]!, ifUsable(score));
  graph.output(outputs[1]!, ifUsable(probability));
  const description = 'Whether a SAR and an optical patch show the same place';
  return finished(graph, { name: 'pair', description, inputs, outputs, metadata }, checkpoint.version);
}

/** An image of one sensor, of any height and width → unit cells and the descriptor of the whole. */
function towerModel({ checkpoint, architecture, weights, metadata }: Source, sensor: Modality): OnnxModel {
  const { matcher, normalisation } = checkpoint;
  const graph = new OnnxGraph();
  const inputs = [patchPort(sensor, normalisation, 'height', 'width')];
  const { samples } = preparedIn(graph, graph.input(inputs[0]!), sensor, normalisation);
  const layers = onnxLayers(graph, weights);
  const cells = architecture.towers!.tower(layers, sensor, samples, matcher);
  const descriptor = architecture.towers!.descriptor(layers, sensor, samples, matcher);
  const outputs = [
    portOf('cells', ['batch', cells.shape[1]!, 'rows', 'columns'], 'A unit vector for each cell'),
    portOf('descriptor', ['batch', descriptor.shape[1]!], 'Descriptor of the whole image, for search by cosine'),
  ];
  graph.output(outputs[0]!, cells);
  graph.output(outputs[1]!, descriptor);
  const description = `Dense cells of ${sensor === 'sar' ? 'a SAR' : 'an optical'} image`;
  return finished(graph, { name: `tower_${sensor}`, description, inputs, outputs, metadata }, checkpoint.version);
}

interface Facts extends Omit<OnnxModel, 'bytes'> {
  description: string;
  metadata: Record<string, string>;
}

function finished(graph: OnnxGraph, { description, metadata, ...model }: Facts, version: string): OnnxModel {
  return { ...model, bytes: graph.bytes({ name: model.name, description, version, metadata }) };
}

const portOf = (name: string, axes: Port['axes'], description: string): Port => ({ name, axes, description });

function patchPort(sensor: Modality, { sar, optical }: Normalisation, height: number | string, width: number | string) {
  if (sensor === 'sar') return portOf('sar', ['batch', 1, height, width], `SAR samples in ${sar.source}; NaN: missing`);
  const bands = optical.bands === 'rgb' ? 3 : 'bands';
  const what = optical.bands === 'rgb' ? 'Red, green, blue' : 'Red, green, blue, or one gray band';
  return portOf('optical', ['batch', bands, height, width], `${what}; NaN: missing`);
}

/** logit₁ − logit₀: [N, 2] → [N, 1] */
function difference(graph: OnnxGraph, logits: Value): Value {
  const [no, yes] = [0, 1].map((column) =>
    graph.node('Gather', [logits, graph.integers([column])], [undefined, 1], { attributes: { axis: 1 } }),
  ) as [Value, Value];
  return graph.node('Sub', [yes, no], [undefined, 1]);
}
