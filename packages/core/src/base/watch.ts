/** Lets a caller follow long work and stop it. */
export interface Watch {
  /** Stops the work; the function then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Notified as items are finished; `total` is what is expected. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}
