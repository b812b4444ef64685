/** tfjs's platform: how it fetches, tells time and knows typed arrays. tfjs has one for browsers and one for Node only. */
import * as tf from '@tensorflow/tfjs-core';

type Platform = Parameters<ReturnType<typeof tf.env>['setPlatform']>[1];

/** The platform that tfjs found, or else one of what every runtime with web APIs has. Needed before any tensor. */
export function platformHere(): Platform {
  const environment = tf.env();
  if (!environment.platform) environment.setPlatform('web', webPlatform());
  return environment.platform;
}

function webPlatform(): Platform {
  return {
    fetch: (address, init) => fetch(address, init),
    now: () => performance.now(),
    encode: (text) => new TextEncoder().encode(text),
    decode: (bytes, encoding) => new TextDecoder(encoding).decode(bytes),
    isTypedArray: (x): x is Float32Array | Int32Array | Uint8Array | Uint8ClampedArray =>
      [Float32Array, Int32Array, Uint8Array, Uint8ClampedArray].some((kind) => x instanceof kind),
  };
}
