/**
 * The models of the Open Inference Protocol. Each matcher is two of them: under its own name two patches → score and
 * probability, under NAME-tower images of one sensor → descriptors. `pair` and `tower` mean those of the default matcher.
 */

import type { InferRequest, Tensor, WantedOutput } from '../body/infer_request.ts';
import type { Limits } from '../body/limits.ts';
import { wrongTensor } from '../body/tensor_data.ts';
import { explain, type ProblemName, problemError } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { ImageInput, PairFailure, ScoringService, ServedModel } from '../scoring/scoring_service.ts';

/** Input or output of a model; −1: any length. */
export interface TensorSpec {
  name: string;
  datatype: 'FP32';
  shape: readonly number[];
  isOptional?: boolean;
}

/** Output tensor, [n, …]. */
export interface OutputTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

type Modality = 'sar' | 'optical';
const MODALITIES = ['sar', 'optical'] as const;
const TOWER = /^(?:tower|(.+)-tower)$/;

/** A model as clients address it. */
export interface InferModel {
  /** Name in the holder of models. */
  matcher: string;
  kind: InferKind;
}

export interface InferKind {
  inputs(served: ServedModel): TensorSpec[];
  /** Empty if the matcher has no such model. */
  outputs(served: ServedModel): TensorSpec[];
  /** @throws ProblemError if an image cannot be used. */
  run(work: InferWork): Promise<OutputTensor[]>;
}

export interface InferWork {
  /** Inputs that are given, each as the model's metadata has it. */
  inputs: ReadonlyMap<string, Tensor>;
  scoring: ScoringService;
  signal: AbortSignal;
  /** Receives how many pairs were scored and how many were not; images of towers are no pairs. */
  counted(pairs: { scored: number; failed: number }): void;
}

/** Model of this name; undefined if there is none. */
export function inferModel(models: Models, name: string): InferModel | undefined {
  if (name === 'pair') return { matcher: models.defaultName, kind: PAIR };
  const tower = TOWER.exec(name);
  const matcher = tower ? (tower[1] ?? models.defaultName) : name;
  return models.find(matcher) && { matcher, kind: tower ? TOWERS : PAIR };
}

/** Names of all models, without the aliases. */
export const inferNames = (models: Models): string[] => models.names.flatMap((name) => [name, `${name}-tower`]);

const imageSpec = (modality: Modality, { info }: ServedModel): TensorSpec => {
  const side = info.sides ? -1 : info.side;
  // A gray model takes gray patches, and those of red, green and blue.
  const bands = modality === 'sar' ? 1 : info.opticalBands === 1 ? -1 : info.opticalBands;
  return { name: modality, datatype: 'FP32', shape: [-1, side, side, bands] };
};

const column = (name: string): TensorSpec => ({ name, datatype: 'FP32', shape: [-1, 1] });

const PAIR: InferKind = {
  inputs: (served) => MODALITIES.map((modality) => imageSpec(modality, served)),
  outputs: () => [column('score'), column('probability')],
  async run({ inputs, scoring, signal, counted }) {
    const [sar, optical] = MODALITIES.map((name) => inputs.get(name)!) as [Tensor, Tensor];
    if (sar.shape[0] !== optical.shape[0]) {
      throw wrongTensor('optical', `${sar.shape[0]} patches, as many as in "sar"`, `${optical.shape[0]}`);
    }
    const opticals = imagesOf(optical);
    const pairs = imagesOf(sar).map((image, i) => ({ sar: image, optical: opticals[i]! }));
    const all = await scoring.score(pairs, signal);
    const failed = all.filter((outcome) => 'error' in outcome).length;
    counted({ scored: all.length - failed, failed });
    const outcomes = all.map((outcome, i) => successOf(outcome, `pair ${i}`));
    const output = (name: 'score' | 'probability') => ({
      ...{ name, shape: [outcomes.length, 1] },
      data: Float32Array.from(outcomes, (outcome) => outcome[name]),
    });
    return [output('score'), output('probability')];
  },
};

const TOWERS: InferKind = {
  inputs: (served) => MODALITIES.map((modality) => ({ ...imageSpec(modality, served), isOptional: true })),
  outputs: ({ descriptorLength }) =>
    descriptorLength === undefined
      ? []
      : MODALITIES.map((modality) => ({
          ...{ name: `${modality}_descriptor`, datatype: 'FP32', shape: [-1, descriptorLength] },
        })),
  async run({ inputs, scoring, signal }) {
    const tiles = [...inputs.values()].flatMap((tensor) =>
      imagesOf(tensor).map((tile) => ({ modality: tensor.name as Modality, tile })),
    );
    const outcomes = await scoring.describe(tiles, signal);
    return MODALITIES.filter((modality) => inputs.has(modality)).map((modality) => {
      const rows = outcomes
        .filter((_, i) => tiles[i]!.modality === modality)
        .map((outcome, i) => successOf(outcome, `image ${i} of "${modality}"`).descriptor);
      const data = new Float32Array(rows.length * rows[0]!.length);
      rows.forEach((row, i) => {
        data.set(row, i * row.length);
      });
      return { name: `${modality}_descriptor`, shape: [rows.length, rows[0]!.length], data };
    });
  },
};

function* slices({ shape, data }: Tensor): Generator<Float32Array> {
  if (shape[0] === 1) return yield data;
  const size = data.length / shape[0]!;
  for (let at = 0; at < data.length; at += size) yield data.slice(at, at + size); // a buffer of its own, to be moved
}

function imagesOf(tensor: Tensor): ImageInput[] {
  const { name, shape, unit } = tensor;
  const [, height, width, bands] = shape as [number, number, number, number];
  return Array.from(slices(tensor), (data) => ({
    ...{ kind: 'samples', name, data, height, width, bands },
    ...(unit && { unit }),
  }));
}

/** @throws ProblemError with the failure of an image: a request succeeds or fails as a whole. */
function successOf<T extends object>(outcome: T | { error: PairFailure }, what: string): T {
  if (!('error' in outcome)) return outcome;
  const { problem, detail, ...facts } = outcome.error as PairFailure;
  throw problemError(problem as ProblemName, { ...facts, detail: `${what}: ${detail}` });
}

/**
 * Inputs that a model takes, as a request has them.
 *
 * @throws ProblemError (400) for an unknown, missing or misshapen input, (413) for too many or too large images.
 */
export function checkedInputs({ inputs: given }: InferRequest, specs: readonly TensorSpec[], limits: Limits) {
  for (const name of given.keys()) {
    const known = specs.map((spec) => spec.name).join(' and ');
    if (!specs.some((spec) => spec.name === name)) throw wrongTensor(name, `an input of ${known}`, 'another name');
  }
  const taken = new Map<string, Tensor>();
  for (const spec of specs) {
    const tensor = given.get(spec.name);
    if (tensor) taken.set(spec.name, requireShape(tensor, spec, limits));
    else if (!spec.isOptional) throw wrongTensor(spec.name, 'this input', 'none');
  }
  return taken;
}

function requireShape(tensor: Tensor, { name, shape }: TensorSpec, { maxPairs, maxPixels }: Limits): Tensor {
  const fits = tensor.shape.length === shape.length && shape.every((n, i) => n === -1 || n === tensor.shape[i]);
  const hasBands = shape[3] !== -1 || [1, 3].includes(tensor.shape[3]!);
  if (!fits || !hasBands) throw wrongTensor(name, `the shape [${shape}]`, `[${tensor.shape.slice(0, 8)}]`);
  const [count, height, width] = tensor.shape as [number, number, number];
  if (count <= maxPairs && height * width <= maxPixels) return tensor;
  const [expected, found] = [`at most ${maxPairs} images of ${maxPixels} pixels`, `${count} of ${height} × ${width}`];
  throw problemError('payload-too-large', explain(`use the tensor "${name}"`, expected, found));
}

/** Outputs that a request wants, in the order of the answer. @throws ProblemError (400) for one that there is not. */
export function checkedOutputs(
  request: InferRequest,
  known: readonly TensorSpec[],
  inputs: ReadonlyMap<string, Tensor>,
) {
  const available = known
    .map(({ name }) => name)
    .filter((name) => !name.endsWith('_descriptor') || inputs.has(name.replace('_descriptor', '')));
  const all = (): WantedOutput[] => available.map((name) => ({ name, isBinary: request.isBinary }));
  const wanted = request.outputs ?? all();
  const unknown = wanted.find(({ name }) => !available.includes(name));
  if (!unknown) return wanted;
  const facts = explain('answer', `outputs of ${available.join(', ')}`, `"${unknown.name.slice(0, 40)}"`);
  throw problemError('malformed-request', facts);
}
