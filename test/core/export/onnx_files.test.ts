/** What lies in an exported file and beside it: metadata, sizes, Triton's folders; what ONNX's own checker says of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { sha256 } from '../../../packages/core/src/base/sha256.ts';
import { CheckpointError } from '../../../packages/core/src/errors.ts';
import { exportOnnx, onnxFiles } from '../../../packages/core/src/export/export_onnx.ts';
import { type ModelProto, ModelProtoSchema } from '../../../packages/core/src/export/onnx_pb.ts';
import { ARCHITECTURES } from '../../../packages/core/src/matcher/architectures.ts';
import { normalisationOf, randomCheckpoint } from './exported.ts';

const PYTHON = '/usr/bin/python3'; // Debian's, which python3-onnx belongs to
const probe = spawnSync(PYTHON, ['-c', 'import onnx; print(onnx.__version__)'], { encoding: 'utf8' });
const noChecker = probe.status === 0 ? '' : ' (skipped: python3-onnx is not installed)';

beforeAll(async () => {
  await selectBackend({ requested: 'wasm' });
});

const modelIn = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);
const metadataIn = (bytes: Uint8Array) =>
  Object.fromEntries(modelIn(bytes).metadataProps.map(({ key, value }) => [key, value]));

describe('a file', () => {
  it('holds what the model is', async () => {
    const checkpoint = await randomCheckpoint({}, normalisationOf(64));
    for (const { bytes } of await exportOnnx(checkpoint, 'best')) {
      const metadata = metadataIn(bytes);
      expect(metadata).toMatchObject({
        ...{ 'doppel.fingerprint': await sha256(checkpoint), 'doppel.architecture': 'dense' },
        ...{ 'doppel.temperature': '2', 'doppel.threshold': '0.4', 'doppel.calibrated': 'true' },
        ...{ 'doppel.sar_unit': 'digital number', 'doppel.metrics': '{"validationAuc":0.75}' },
      });
      expect(JSON.parse(metadata['doppel.normalisation']!)).toEqual(normalisationOf(64));
      expect(metadata.model_card).toMatch(/# Matcher `dense`[\s\S]*data[\s\S]*validationAuc: 0\.75/);
      const { opsetImport, irVersion, producerName } = modelIn(bytes);
      expect({ opset: opsetImport[0]!.version, irVersion, producerName }).toEqual({
        ...{ opset: 17n, irVersion: 8n, producerName: 'doppel' },
      });
    }
  });

  it('takes a card that is given', async () => {
    const checkpoint = await randomCheckpoint({ preset: 'two-channel' }, normalisationOf(64));
    const [pair] = await exportOnnx(checkpoint, 'best', '# Card\n');
    expect(metadataIn(pair!.bytes).model_card).toBe('# Card\n');
  });

  it('is the same for the same checkpoint', async () => {
    const checkpoint = await randomCheckpoint({ width: 8 }, normalisationOf(64));
    const hashes = async (file: string) =>
      Promise.all((await exportOnnx(checkpoint, file)).map(({ bytes }) => sha256(bytes)));
    expect(await hashes('a')).toEqual(await hashes('b'));
  });

  it('has each convolution once, though cells and descriptor name the tower twice, and no batch normalisation', async () => {
    const models = await exportOnnx(await randomCheckpoint({}, normalisationOf(64)), 'best');
    const operators = models.map(({ bytes }) => modelIn(bytes).graph!.node.map(({ opType }) => opType));
    expect(operators.map((all) => all.filter((each) => each === 'Conv').length)).toEqual([20, 10, 10]);
    expect(operators.flat()).not.toContain('BatchNormalization');
  });
});

it('towers are exported for dense cells only', async () => {
  const namesOf = async (preset: string) =>
    (await exportOnnx(await randomCheckpoint({ preset }, normalisationOf(64)), preset)).map(({ name }) => name);
  expect(await namesOf('paper-bn')).toEqual(['pair']);
  expect(await namesOf('dense')).toEqual(['pair', 'tower_sar', 'tower_optical']);
});

it('Triton gets a folder for each model, with its configuration', async () => {
  const rgb = { bands: 'rgb' } as const;
  const models = await exportOnnx(await randomCheckpoint({}, normalisationOf(64, { optical: rgb })), 'best');
  const files = onnxFiles(models);
  expect([...files.keys()]).toEqual(
    ['pair', 'tower_sar', 'tower_optical'].flatMap((name) => [
      ...[`${name}.onnx`, `triton/${name}/1/model.onnx`, `triton/${name}/config.pbtxt`],
    ]),
  );
  expect(files.get('triton/pair/config.pbtxt')).toMatchInlineSnapshot(`
    "backend: "onnxruntime"
    max_batch_size: 64
    input [
      { name: "sar", data_type: TYPE_FP32, dims: [ 1, 64, 64 ] },
      { name: "optical", data_type: TYPE_FP32, dims: [ 3, 64, 64 ] }
    ]
    output [
      { name: "score", data_type: TYPE_FP32, dims: [ 1 ] },
      { name: "probability", data_type: TYPE_FP32, dims: [ 1 ] }
    ]
    dynamic_batching { }
    "
  `);
  expect(files.get('triton/tower_optical/config.pbtxt')).toMatchInlineSnapshot(`
    "backend: "onnxruntime"
    max_batch_size: 64
    input [
      { name: "optical", data_type: TYPE_FP32, dims: [ 3, -1, -1 ] }
    ]
    output [
      { name: "cells", data_type: TYPE_FP32, dims: [ 16, -1, -1 ] },
      { name: "descriptor", data_type: TYPE_FP32, dims: [ 128 ] }
    ]
    dynamic_batching { }
    "
  `);
});

it('a checkpoint that is damaged is named', async () => {
  const checkpoint = await randomCheckpoint({ width: 8 }, normalisationOf(64));
  await expect(exportOnnx(checkpoint.slice(0, 5000), 'cut.safetensors')).rejects.toThrow(CheckpointError);
  await expect(exportOnnx(checkpoint.slice(0, 5000), 'cut.safetensors')).rejects.toThrow(/cut\.safetensors/);
});

it('SAR units that do not convert are refused by name', async () => {
  const normalisation = normalisationOf(64, { sar: { source: 'reflectance', unit: 'dB' } });
  const checkpoint = await randomCheckpoint({ width: 8 }, normalisation);
  await expect(exportOnnx(checkpoint, 'best')).rejects.toMatchObject({
    tag: 'usage',
    message: expect.stringMatching(/export the model.*reflectance.*dB/),
  });
});

describe.skipIf(noChecker !== '')(`onnx.checker with shape inference${noChecker}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-onnx-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Prints each output with its inferred sizes. */
  const script = `
import json, sys, onnx
from onnx import checker, shape_inference
shapes = {}
for path in sys.argv[1:]:
    model = onnx.load(path)
    checker.check_model(model, full_check=True)
    inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    for value in inferred.graph.output:
        shapes[value.name] = [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]
print(json.dumps(shapes))
`;

  it.each(ARCHITECTURES.names())('accepts %s', async (preset) => {
    const lee = { source: 'amplitude', unit: 'dB', speckleFilter: { kind: 'lee', window: 7, looks: 4 } } as const;
    const checkpoint = await randomCheckpoint({ preset }, normalisationOf(64, { sar: lee }));
    const paths = (await exportOnnx(checkpoint, preset)).map(({ name, bytes }) => {
      const path = join(folder, `${preset}-${name}.onnx`);
      writeFileSync(path, bytes);
      return path;
    });
    const shapes = JSON.parse(execFileSync(PYTHON, ['-c', script, ...paths], { encoding: 'utf8' }));
    expect(shapes).toMatchObject({ score: ['batch', 1], probability: ['batch', 1] });
    if (preset === 'dense')
      expect(shapes).toMatchObject({ cells: ['batch', 16, 'rows', 'columns'], descriptor: ['batch', 128] });
  });
});
