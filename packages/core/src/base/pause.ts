/**
 * Lets waiting events in, Ctrl-C among them: kernels that run on the main thread leave no other gap.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}
