/**
 * Aborts a request at its deadline, or when its client leaves.
 *
 * Node 20 may collect the signals behind `AbortSignal.any` and `AbortSignal.timeout` before they fire, hence a controller
 * and a timer here.
 */
export interface Deadline {
  readonly signal: AbortSignal;
  /** True if time ran out, false if the client left or nothing has happened. */
  hasPassed(): boolean;
  /** Stops the clock. */
  clear(): void;
}

export function deadlineOf(client: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    controller.abort(new DOMException('The deadline has passed.', 'TimeoutError'));
  }, timeoutMs);
  const leave = () => controller.abort(client.reason);
  client.addEventListener('abort', leave, { once: true });
  if (client.aborted) leave();
  return {
    signal: controller.signal,
    hasPassed: () => passed,
    clear() {
      clearTimeout(timer);
      client.removeEventListener('abort', leave);
    },
  };
}
