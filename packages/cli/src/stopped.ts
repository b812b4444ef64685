/** Reason of the signal that stops a command: which signal of the system it was. */

export type StopSignal = 'SIGINT' | 'SIGTERM';

export class Stopped extends Error {
  readonly signal: StopSignal;

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`);
    this.name = 'AbortError';
    this.signal = signal;
  }
}

/** Signal of the system behind an aborted signal. */
export const stopSignalOf = ({ reason }: AbortSignal): StopSignal =>
  reason instanceof Stopped ? reason.signal : 'SIGINT';
