/** Moving average of a decoder's weights, which generates patches. */
import * as tf from '@tensorflow/tfjs-core';
import { blend } from '../../ops/ops.ts';
import type { Generator } from '../architecture.ts';

/** average ← decay·average + (1 − decay)·decoder */
export function moveAverage({ average, decoder }: Generator, decay: number): void {
  tf.tidy(() => {
    const moving = [...decoder.keys()].map((name) => average.get(name.replace(/^decoder\./, 'average.'))!);
    const moved = blend(moving, [...decoder.values()], { alpha: decay, beta: 1 - decay });
    for (const [i, variable] of moving.entries()) variable.assign(moved[i]!);
  });
}
