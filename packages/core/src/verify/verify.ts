/**
 * Holds the current backend against reference values that were computed elsewhere (PyTorch in float64): one
 * safetensors file a case, inputs beside expected outputs, settings as JSON in the metadata.
 *
 * The file's name says the kind: `conv-03` is a case of kind `conv`. An expected tensor's name starts with `expect.`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors } from '../base/safetensors.ts';
import { KERNEL_TOLERANCE, MODEL_TOLERANCE, relativeError } from '../base/tolerance.ts';
import { FormatError, UsageError } from '../errors.ts';
import { joinPath, type Store } from '../store.ts';
import type { CaseInputs } from './case.ts';
import { CASES } from './cases.ts';

export interface TensorError {
  case: string;
  tensor: string;
  error: number;
}

export interface CaseResult {
  case: string;
  tolerance: number;
  /** Error of every expected tensor, worst first. */
  errors: TensorError[];
}

export interface VerifyResult {
  cases: CaseResult[];
  failed: TensorError[];
  worst: TensorError;
}

/** Kind of a case: its name without the trailing `-number`. */
export function kindOf(name: string): string {
  return name.replace(/-\d+$/, '');
}

/** Runs every `*.safetensors` of a folder on the current backend. @throws FormatError if a file is no case. */
export async function verify(
  store: Store,
  folder: string,
  onCase?: (result: CaseResult) => void,
): Promise<VerifyResult> {
  const names = (await store.list(folder)).filter((name) => name.endsWith('.safetensors'));
  if (names.length === 0) {
    throw new UsageError({
      action: `verify the folder ${folder}`,
      expected: 'files named KIND-NUMBER.safetensors',
      found: 'none',
      remedy: `Kinds are ${Object.keys(CASES).join(', ')}.`,
    });
  }
  const cases: CaseResult[] = [];
  for (const name of names) {
    const file = joinPath(folder, name);
    const result = await verifyCase(name.slice(0, -'.safetensors'.length), await store.read(file), file);
    cases.push(result);
    onCase?.(result);
  }
  const errors = cases.flatMap((result) => result.errors);
  const failed = cases.flatMap(({ tolerance, errors }) => errors.filter(({ error }) => !(error < tolerance)));
  return { cases, failed, worst: [...errors].sort(worstFirst)[0]! };
}

/** NaN counts as worst. */
function worstFirst(a: TensorError, b: TensorError): number {
  return (Number.isNaN(b.error) ? Infinity : b.error) - (Number.isNaN(a.error) ? Infinity : a.error) || 0;
}

async function verifyCase(name: string, bytes: Uint8Array, file: string): Promise<CaseResult> {
  const kind = CASES[kindOf(name)];
  if (!kind) {
    throw new FormatError({
      action: 'verify the case',
      file,
      expected: `a kind among ${Object.keys(CASES).join(', ')}`,
      found: `"${kindOf(name)}"`,
    });
  }
  const { inputs, expected, settings } = readCase(bytes, file);
  const outputs = kind.run(inputs, settings);
  const errors: TensorError[] = [];
  for (const [tensor, values] of expected) {
    const output = outputs[tensor];
    if (!output) {
      throw new FormatError({
        action: 'verify the case',
        file,
        expected: `expected tensors among ${Object.keys(outputs).join(', ')}`,
        found: `"expect.${tensor}"`,
      });
    }
    errors.push({ case: name, tensor, error: relativeError(await output.data(), values) });
  }
  tf.dispose([outputs, inputs.tensors()]);
  return { case: name, tolerance: kind.isModel ? MODEL_TOLERANCE : KERNEL_TOLERANCE, errors: errors.sort(worstFirst) };
}

function readCase(bytes: Uint8Array, file: string) {
  const { tensors, metadata } = readSafetensors(bytes, file);
  const given = new Map<string, tf.Tensor>();
  const expected = new Map<string, ArrayLike<number>>();
  for (const [name, { shape, data, dtype }] of tensors) {
    if (dtype === 'I64') {
      throw new FormatError({ action: 'verify the case', file, expected: `"${name}" in F32`, found: dtype });
    }
    const values = data as Exclude<typeof data, BigInt64Array>;
    if (name.startsWith('expect.')) expected.set(name.slice('expect.'.length), values);
    else given.set(name, tf.tensor(Float32Array.from(values), shape));
  }
  const settings: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(metadata)) settings[key] = JSON.parse(text);
  const inputs: CaseInputs = {
    get(name) {
      const tensor = given.get(name);
      if (tensor) return tensor as never;
      throw new FormatError({
        action: 'verify the case',
        file,
        expected: `a tensor "${name}"`,
        found: [...given.keys()].join(', '),
      });
    },
    has: (name) => given.has(name),
    names: () => [...given.keys()],
    tensors: () => [...given.values()],
  };
  return { inputs, expected, settings };
}
