/**
 * Scoring of small batches, recorded once for each of their shapes where the backend can: to start the ops of a single
 * pair from JavaScript takes a good part of its time (bench/NOTES.md).
 */
import * as tf from '@tensorflow/tfjs-core';
import { currentAbilities } from '../backends/select_backend.ts';
import type { CapturedFunction, FunctionCapture } from '../backends/step_capture.ts';

/** Pixels of a sensor's patches, up to which a batch is small; a recording keeps the memory of all of its layers. */
const SMALL = 4 * 64 * 64;
/** Recordings that are kept; batches of further shapes are scored as they come. */
const RECORDINGS = 4;

type Score = (sar: tf.Tensor4D, optical: tf.Tensor4D) => tf.Tensor1D;

/** The same function, which replays from the second batch of a shape on. `dispose` comes before its weights'. */
export function replayed(score: Score): { score: Score; dispose(): void } {
  /** Shapes that were met once, that cannot be recorded, and the recordings of the others. */
  const known = new Map<string, 'met' | 'plain' | CapturedFunction>();
  let recorder: FunctionCapture | undefined;

  function forget(): void {
    for (const each of known.values()) if (typeof each === 'object') each.dispose();
    known.clear();
  }

  function recordingFor(sar: tf.Tensor4D, optical: tf.Tensor4D): CapturedFunction | undefined {
    const { captureFunction } = currentAbilities();
    if (!captureFunction || ![sar, optical].every(isSmall) || isTraced()) return undefined;
    // Selected anew, a backend may compute with another precision.
    if (recorder !== captureFunction) forget();
    recorder = captureFunction;
    const shape = `${sar.shape}, ${optical.shape}`;
    if (known.get(shape) === 'met' && countOf(known) < RECORDINGS) {
      const specs = [sar, optical].map((each) => ({ shape: each.shape, dtype: 'float32' as const }));
      const f = (...inputs: tf.Tensor[]) => score(...(inputs as [tf.Tensor4D, tf.Tensor4D]));
      known.set(shape, captureFunction(specs, f) ?? 'plain');
    }
    if (!known.has(shape)) known.set(shape, 'met');
    const found = known.get(shape);
    return typeof found === 'object' ? found : undefined;
  }

  return {
    score: (sar, optical) =>
      (recordingFor(sar, optical)?.run(sar, optical) as tf.Tensor1D | undefined) ?? score(sar, optical),
    dispose: forget,
  };
}

const isSmall = ({ dtype, shape: [n, h, w] }: tf.Tensor4D) => dtype === 'float32' && n > 0 && n * h * w <= SMALL;

/** True while gradients are taken, which need the ops one by one. */
const isTraced = () => tf.engine().state.gradientDepth > 0;

const countOf = (known: ReadonlyMap<string, unknown>) =>
  [...known.values()].filter((each) => typeof each === 'object').length;
