/** Configuration of NVIDIA's Triton inference server for an exported model (config.pbtxt). */
import type { Port } from './onnx_graph.ts';

/** Largest batch that Triton makes of requests that wait. */
const MAX_BATCH = 64;

/** The model's name is that of its folder. */
export function tritonConfig({ inputs, outputs }: { inputs: readonly Port[]; outputs: readonly Port[] }): string {
  return `backend: "onnxruntime"
max_batch_size: ${MAX_BATCH}
input [
${inputs.map(tensorText).join(',\n')}
]
output [
${outputs.map(tensorText).join(',\n')}
]
dynamic_batching { }
`;
}

/** The axis of the batch is left out; −1 is a free size. */
function tensorText({ name, axes }: Port): string {
  const dims = axes.slice(1).map((axis) => (typeof axis === 'number' ? axis : -1));
  return `  { name: "${name}", data_type: TYPE_FP32, dims: [ ${dims.join(', ')} ] }`;
}
