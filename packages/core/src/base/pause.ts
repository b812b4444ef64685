/**
 * Yields to waiting events, such as Ctrl-C: kernels on the main thread block them otherwise.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function pause(signal?: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  signal?.throwIfAborted();
}

/** Milliseconds of work between two pauses. */
const STRETCH = 50;

/**
 * Pauses for loops that are too short to pause in each turn: `await pace()` yields to waiting events once in a while.
 *
 * @returns a function that gives nothing to wait for where it is not time. It throws the signal's reason, as `pause`.
 */
export function pacer(signal?: AbortSignal): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    if (performance.now() - last < STRETCH) return undefined;
    return pause(signal).then(() => {
      last = performance.now();
    });
  };
}
