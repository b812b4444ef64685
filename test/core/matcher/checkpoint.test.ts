/** Checkpoints: what goes in comes out, and every kind of damage is told apart. */

import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { readSafetensors, type TensorData, writeSafetensors } from '../../../packages/core/src/base/safetensors.ts';
import { relativeError } from '../../../packages/core/src/base/tolerance.ts';
import type { CheckpointError } from '../../../packages/core/src/errors.ts';
import {
  type Checkpoint,
  loadCheckpoint,
  matcherOf,
  readCheckpoint,
  requireMatcher,
  saveCheckpoint,
  writeCheckpoint,
} from '../../../packages/core/src/matcher/checkpoint.ts';
import { createMatcher } from '../../../packages/core/src/matcher/matcher.ts';
import { initialState } from '../../../packages/core/src/matcher/run_state.ts';
import { valuesOf } from '../../../packages/core/src/runs/values.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { syntheticNormalisation } from '../training/matcher/synthetic.ts';

let checkpoint: Omit<Checkpoint, 'version'>;
let bytes: Uint8Array;

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
  const matcher = createMatcher({ preset: 'two-channel', side: 64, sarBands: 1, opticalBands: 1, seed: 5 });
  const zeros = () =>
    new Map([...matcher.parameters].map(([name, { shape, size }]) => [name, { shape, data: new Float32Array(size) }]));
  checkpoint = {
    matcher: matcher.config,
    tensors: await valuesOf(new Map<string, tf.Tensor>([...matcher.parameters, ...matcher.statistics])),
    normalisation: await syntheticNormalisation(),
    calibration: { temperature: 1.5, threshold: 0.4 },
    metrics: { validationAuc: 0.75 },
    trainedOn: { folder: 'data', dataFingerprint: 'abc', places: { train: ['a'], validation: ['b'] } },
    inputs: { from: null, negatives: null },
    backend: 'wasm',
    training: { epochs: 3 },
    resume: { state: { ...initialState(), step: 7 }, first: zeros(), second: zeros() },
  };
  matcher.dispose();
  bytes = writeCheckpoint(checkpoint);
});

/** The file with its tensors or metadata changed. */
function changed(change: (tensors: Map<string, TensorData>, metadata: Record<string, string>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes, 'x');
  change(tensors, metadata);
  return writeSafetensors(tensors, metadata);
}

function failure(damaged: Uint8Array): CheckpointError {
  try {
    readCheckpoint(damaged, 'run/best.safetensors');
  } catch (error) {
    return error as CheckpointError;
  }
  throw new Error('the damaged file was read');
}

describe('a checkpoint', () => {
  it('comes back as it went in', async () => {
    const store = new MemoryStore();
    await saveCheckpoint(store, 'run/last.safetensors', checkpoint);
    const { version, ...read } = await loadCheckpoint(store, 'run/last.safetensors');
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const { tensors, resume, ...described } = read;
    const { tensors: tensorsBefore, resume: resumeBefore, ...describedBefore } = checkpoint;
    expect(described).toEqual(describedBefore);
    expect(resume!.state).toEqual(resumeBefore!.state);
    expect([...tensors.keys()].sort()).toEqual([...tensorsBefore.keys()].sort());
    expect(Buffer.compare(writeCheckpoint(read), bytes), 'all tensors').toBe(0);
  });

  it('is the same bytes for the same content', () => {
    expect(Buffer.compare(writeCheckpoint(checkpoint), bytes)).toBe(0);
  });

  it('makes a matcher of the same weights', () => {
    const matcher = matcherOf(readCheckpoint(bytes, 'x'));
    const values = matcher.parameters.get('pair.conv2.filter')!.dataSync();
    expect(relativeError(values, checkpoint.tensors.get('pair.conv2.filter')!.data)).toBe(0);
    matcher.dispose();
  });

  it('reads the state of a run of older versions, which counted for the schedule `plateau`', () => {
    const { state, ...moments } = checkpoint.resume!;
    const older = { ...state, plateau: { factor: 1, stale: 4 } };
    const bytes = writeCheckpoint({ ...checkpoint, resume: { ...moments, state: older } });
    expect(new TextDecoder().decode(bytes)).toContain('plateau');
    expect(readCheckpoint(bytes, 'last').resume!.state).toEqual(state);
  });

  it('may lack calibration, places and the state of the run', () => {
    const { resume: _, calibration: __, ...plain } = checkpoint;
    const { places: ___, ...trainedOn } = plain.trainedOn;
    const read = readCheckpoint(writeCheckpoint({ ...plain, trainedOn }), 'x');
    expect(read.calibration).toBeUndefined();
    expect(read.resume).toBeUndefined();
    expect(read.trainedOn.places).toBeUndefined();
  });
});

describe('damage', () => {
  it.each([0, 7, 100, 5000, -1])('cut at %i bytes', (length) => {
    const error = failure(bytes.slice(0, length));
    expect(error.tag).toBe('checkpoint');
    expect(error.message).toMatch(/run\/best\.safetensors.*cut short or damaged/);
  });

  it.each([
    [
      'a missing tensor',
      /a tensor "pair\.bn3\.mean" \[64\], found none/,
      (t: Map<string, TensorData>) => t.delete('pair.bn3.mean'),
    ],
    [
      'an extra tensor',
      /beyond those of its preset, found extra/,
      (t: Map<string, TensorData>) => t.set('extra', t.get('head.dense2.bias')!),
    ],
    [
      'another shape',
      /"head\.dense2\.bias" \[2\], found \[256\]/,
      (t: Map<string, TensorData>) => t.set('head.dense2.bias', t.get('head.dense1.bias')!),
    ],
    [
      'a missing moment',
      /adam\.second\.head\.dense2\.kernel/,
      (t: Map<string, TensorData>) => t.delete('adam.second.head.dense2.kernel'),
    ],
    [
      'a weight that is not finite',
      /finite numbers in "head\.dense2\.bias", found NaN at element 1/,
      (t: Map<string, TensorData>) =>
        t.set('head.dense2.bias', { dtype: 'F32', shape: [2], data: Float32Array.of(0, Number.NaN) }),
    ],
    [
      'another type',
      /"head\.dense2\.bias" in F32, found I32/,
      (t: Map<string, TensorData>) => t.set('head.dense2.bias', { dtype: 'I32', shape: [2], data: new Int32Array(2) }),
    ],
  ])('%s', (_, message, change) => {
    const error = failure(changed((tensors) => void change(tensors)));
    expect(error.tag).toBe('checkpoint');
    expect(error.message).toMatch(message);
  });

  it.each([
    ['tensors of another program', /a checkpoint of doppel, found other tensors/, { doppel: undefined }],
    [
      'a format of the future',
      /format version 1, found version 9, written by doppel 3\.0\.0/,
      { formatVersion: '9', version: '"3.0.0"' },
    ],
    [
      'another architecture than its tensors',
      /a tensor "sar\.conv1\.filter"/,
      { matcher: '{"preset":"paper","side":64,"sarBands":1,"opticalBands":1}' },
    ],
    ['metadata out of range', /temperature/, { calibration: '{"temperature":-1,"threshold":0.5}' }],
    ['metadata that is no JSON', /JSON as metadata/, { metrics: '{' }],
  ])('%s', (_, message, patch) => {
    const error = failure(
      changed((_tensors, metadata) => {
        for (const [key, value] of Object.entries(patch)) {
          if (value === undefined) delete metadata[key];
          else metadata[key] = value as string;
        }
      }),
    );
    expect(error.tag).toBe('checkpoint');
    expect(error.message).toMatch(message);
  });
});

it('a checkpoint of another architecture than is wanted is refused by name', () => {
  const read = readCheckpoint(bytes, 'x');
  expect(() => requireMatcher(read, { preset: 'two-channel', side: 64 }, 'x')).not.toThrow();
  expect(() => requireMatcher(read, { preset: 'paper', side: 112 }, 'x')).toThrow(
    /x: expected preset paper, side 112, found preset two-channel, side 64/,
  );
});
