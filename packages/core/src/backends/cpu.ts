/** The backend `cpu`: tfjs's plain JavaScript kernels. It runs anywhere and is the truth for the others. */

export async function prepareCpu(): Promise<{ device: string }> {
  await import('@tensorflow/tfjs-backend-cpu');
  return { device: 'JavaScript, one thread' };
}
