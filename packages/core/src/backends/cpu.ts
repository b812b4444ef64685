/** The backend `cpu`: tfjs's plain JavaScript kernels. It runs anywhere and is the truth for the others. */

import * as tf from '@tensorflow/tfjs-core';

export async function prepareCpu(): Promise<{ device: string }> {
  tf.env().set('PROD', true); // else tfjs prints an advertisement for another package
  await import('@tensorflow/tfjs-backend-cpu');
  return { device: 'JavaScript, one thread' };
}
