/**
 * Scoring of small batches, recorded once for each of their shapes where the backend can: to start the ops of a single pair
 * from JavaScript takes a quarter of its time.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { currentAbilities } from '../backends/select_backend.ts';
import type { CapturedFunction } from '../backends/step_capture.ts';

/** Pixels of a sensor's patches, up to which a batch is small; a recording keeps the memory of all of its layers. */
const SMALL = 4 * 64 * 64;
/** Recordings that are kept; batches of other shapes are scored as they come. */
const SHAPES = 4;

type Score = (sar: tf.Tensor4D, optical: tf.Tensor4D) => tf.Tensor1D;

/** The same function, which replays from the second batch of a shape on. `dispose` comes before its weights'. */
export function replayed(score: Score): { score: Score; dispose(): void } {
  const recordings = new Map<string, CapturedFunction | undefined>();
  const seen = new Set<string>();

  function recordingFor(inputs: [tf.Tensor4D, tf.Tensor4D]): CapturedFunction | undefined {
    const { captureFunction } = currentAbilities();
    if (!captureFunction || inputs.some(({ shape: [n, h, w] }) => n * h * w > SMALL)) return undefined;
    const shapes = inputs.map(({ shape }) => shape.join('×')).join(', ');
    if (recordings.has(shapes)) return recordings.get(shapes);
    if (!seen.has(shapes) || recordings.size >= SHAPES) {
      seen.add(shapes);
      return undefined;
    }
    const specs = inputs.map(({ shape }) => ({ shape, dtype: 'float32' as const }));
    const recording = captureFunction(specs, (sar, optical) => score(sar as tf.Tensor4D, optical as tf.Tensor4D));
    recordings.set(shapes, recording);
    return recording;
  }

  return {
    score: (sar, optical) =>
      (recordingFor([sar, optical])?.run(sar, optical) as tf.Tensor1D | undefined) ?? score(sar, optical),
    dispose() {
      for (const recording of recordings.values()) recording?.dispose();
      recordings.clear();
    },
  };
}
