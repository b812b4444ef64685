/** Moving average of a decoder's weights, which generates patches. */
import * as tf from '@tensorflow/tfjs-core';
import type { Generator } from '../architecture.ts';

/** average ← decay·average + (1 − decay)·decoder */
export function moveAverage({ average, decoder }: Generator, decay: number): void {
  tf.tidy(() => {
    for (const [name, variable] of decoder) {
      const moving = average.get(name.replace(/^decoder\./, 'average.'))!;
      moving.assign(tf.add(moving, tf.mul(tf.sub(variable, moving), 1 - decay)));
    }
  });
}
