/**
 * The server for edge runtimes, which have no files, threads or native code: a handler of requests, made from the bytes of
 * a checkpoint and of tfjs's WebAssembly. `scripts/bundle_edge.mjs` bundles all of it into one file.
 *
 * @module
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { createEdgeHandler } from '@doppel/server/edge';
 *
 * const model = await readFile('best.safetensors'); // or an import by your bundler
 * const handle = createEdgeHandler({ model, name: 'best.safetensors' });
 * const answer = await handle(new Request('http://localhost/v1/model'));
 * const { side, backend } = await answer.json();
 * console.log(side, backend); // 64 cpu
 * ```
 */

import { platformHere, provideWasmBinary } from '@doppel/core/backends';
import { reasonOf } from '@doppel/core/errors';
import { type App, createApp } from '../app.ts';
import { type Limits, limitsFrom } from '../body/limits.ts';
import { problemOf, problemResponse } from '../problem.ts';
import { InlineScoring } from '../scoring/inline_scoring.ts';
import { Models } from '../scoring/models.ts';

/** Name of the only model in requests. */
const DEFAULT_NAME = 'model';

export interface EdgeOptions {
  /** Bytes of a checkpoint. */
  model: Uint8Array;
  /** Name of the model in answers. Default: model.safetensors. */
  name?: string;
  /** Bytes of `tfjs-backend-wasm-simd.wasm`. Default: none, and the backend is `cpu`. */
  wasm?: Uint8Array | undefined;
  limits?: Partial<Limits>;
  log?: (line: string) => void;
}

/** Handler that loads the model at the first request: edge runtimes allow no work before. */
export function createEdgeHandler(options: EdgeOptions): (request: Request) => Promise<Response> {
  let loading: Promise<App> | undefined;
  return async (request) => {
    loading ??= load(options);
    try {
      return await (await loading).fetch(request);
    } catch (error) {
      options.log?.(`the model does not load: ${reasonOf(error)}`);
      return problemResponse(problemOf('not-ready', { detail: 'The model does not load: see the log.' }));
    }
  };
}

async function load({ model, name = 'model.safetensors', wasm, limits: given = {}, log = () => {} }: EdgeOptions) {
  platformHere();
  if (wasm) await provideWasmBinary(wasm);
  const limits = limitsFrom(given);
  const backend = wasm ? 'wasm' : 'cpu';
  const scorer = new InlineScoring({ ...limits, model, file: name, backend });
  await scorer.info();
  return createApp({ models: new Models([[DEFAULT_NAME, scorer]]), limits, log });
}
