/**
 * The backend `wasm` without files: on an edge runtime the WebAssembly module is bytes that a bundle brings along. tfjs
 * would fetch it from beside its own script; here that fetch is answered from memory.
 */
import * as tf from '@tensorflow/tfjs-core';
import { BackendError, reasonOf } from '../errors.ts';
import { platformHere } from './platform.ts';

const ADDRESS = 'doppel:tfjs-backend-wasm';
const BINARIES = ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'];

/**
 * To be called before the backend is selected.
 *
 * @param bytes of `tfjs-backend-wasm-simd.wasm`, or of the plain `tfjs-backend-wasm.wasm`, of the same version of tfjs.
 * @throws BackendError where the runtime does not compile them.
 */
export async function provideWasmBinary(bytes: Uint8Array): Promise<void> {
  await requireCompiling(bytes); // tfjs itself would wait for ever
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(Object.fromEntries(BINARIES.map((name) => [name, ADDRESS])), true);
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // its threads are workers made from files
  answerFromMemory(bytes);
}

async function requireCompiling(bytes: Uint8Array): Promise<void> {
  try {
    await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw new BackendError({
      ...{ backend: 'wasm', action: 'compile the WebAssembly of tfjs', found: reasonOf(cause), cause },
      remedy: 'Where the runtime does not compile WebAssembly, use the backend cpu.',
    });
  }
}

function answerFromMemory(bytes: Uint8Array): void {
  const platform = platformHere();
  const { fetch } = platform;
  platform.fetch = async (address, init) =>
    address === ADDRESS ? new Response(bytes as Uint8Array<ArrayBuffer>) : fetch.call(platform, address, init);
}
