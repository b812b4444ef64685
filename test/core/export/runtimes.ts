/** onnxruntime on Node's own binary and in WebAssembly, behind one function. */
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';

/** Values in the order of the model's axes. */
export interface Plane {
  data: Float32Array;
  dims: readonly number[];
}

export type Run = (inputs: Record<string, Plane>) => Promise<Record<string, Plane>>;

export interface Runtime {
  name: string;
  /** Loads a model. */
  load(bytes: Uint8Array): Promise<Run>;
}

web.env.wasm.numThreads = 1; // worker threads would outlive the test

type Module = typeof node | typeof web;

const runtimeOf = (name: string, { InferenceSession, Tensor }: Module, options: object): Runtime => ({
  name,
  async load(bytes) {
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
    return async (inputs) => {
      const feeds = Object.entries(inputs).map(([key, { data, dims }]) => [key, new Tensor('float32', data, dims)]);
      return (await session.run(Object.fromEntries(feeds))) as unknown as Record<string, Plane>;
    };
  },
});

export const RUNTIMES: readonly Runtime[] = [
  runtimeOf('onnxruntime-node', node, { executionProviders: ['cpu'], intraOpNumThreads: 2 }),
  runtimeOf('onnxruntime-web', web, { executionProviders: ['wasm'] }),
];
