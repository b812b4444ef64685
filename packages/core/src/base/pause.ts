/**
 * Yields to waiting events, such as Ctrl-C: kernels on the main thread block them otherwise.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}
