/**
 * Export of matchers to other runtimes: ONNX, and the folder layout of the Triton inference server.
 *
 * @module
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { selectBackend } from '@doppel/core/backends';
 * import { exportOnnx } from '@doppel/core/export';
 *
 * await selectBackend({ requested: 'cpu' });
 * const [pair] = await exportOnnx(await readFile('best.safetensors'), 'best.safetensors');
 * console.log(pair.name, pair.outputs.map(({ name }) => name).join(' ')); // pair score probability
 * ```
 */
export { exportOnnx, type OnnxModel, onnxFiles } from './export_onnx.ts';
export { OPSET, type Port } from './onnx_graph.ts';
