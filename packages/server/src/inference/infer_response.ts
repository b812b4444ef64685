/** The answer of an inference: JSON, followed by the raw tensors of outputs that are wanted as binary data. */
import { concatenateBytes } from '@doppel/core/base';
import { z } from '@hono/zod-openapi';
import type { WantedOutput } from '../body/infer_request.ts';
import type { OutputTensor } from './infer_models.ts';

export const inferResponseSchema = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    outputs: z.array(
      z.object({
        name: z.string(),
        datatype: z.string(),
        shape: z.array(z.int()),
        data: z.array(z.number()).optional(),
        parameters: z.object({ binary_data_size: z.int() }).optional(),
      }),
    ),
  })
  .openapi('InferResponse');

/** Header that tells how long the JSON before raw tensors is. */
export const HEADER_LENGTH = 'inference-header-content-length';

/** @param head names and version of the model, id of the request. @param wanted the outputs in their order. */
export function inferResponse(
  head: { model_name: string; model_version: string; id?: string | undefined },
  tensors: readonly OutputTensor[],
  wanted: readonly WantedOutput[],
): { body: Uint8Array<ArrayBuffer>; headers: Record<string, string> } {
  const chosen = wanted.map((output) => ({ ...output, ...tensors.find(({ name }) => name === output.name)! }));
  const outputs = chosen.map(({ name, shape, data, isBinary }) => ({
    ...{ name, datatype: 'FP32', shape },
    ...(isBinary ? { parameters: { binary_data_size: data.byteLength } } : { data: Array.from(data) }),
  }));
  const json = new TextEncoder().encode(JSON.stringify({ ...head, outputs }));
  const raw = chosen.filter(({ isBinary }) => isBinary).map(({ data }) => data);
  const body = concatenateBytes([
    json,
    ...raw.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  ]);
  const length = { 'content-length': `${body.length}` };
  if (raw.length === 0) return { body, headers: { 'content-type': 'application/json', ...length } };
  const headers = { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: `${json.length}`, ...length };
  return { body, headers };
}
