/** Sums of tensors over processes: all of them in one flat buffer, by one all-reduce. */
import * as tf from '@tensorflow/tfjs-core';
import type { Communicator } from './communicator.ts';

/** Sums of float32 tensors over the processes, each of its tensor's shape; the caller disposes of them. */
export function sumTensors(tensors: readonly tf.Tensor[], communicator: Communicator): tf.Tensor[] {
  return tf.tidy(() => {
    const flat = tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))) as tf.Tensor1D;
    const parts = tf.split(
      summed(flat, communicator),
      tensors.map(({ size }) => size),
    );
    return parts.map((part, i) => tf.reshape(part, tensors[i]!.shape));
  });
}

function summed(flat: tf.Tensor1D, communicator: Communicator): tf.Tensor1D {
  if (communicator.allReduceTensor) {
    communicator.allReduceTensor(flat);
    return flat;
  }
  const sums = flat.dataSync<'float32'>().slice();
  communicator.allReduce(sums);
  return tf.tensor1d(sums);
}
