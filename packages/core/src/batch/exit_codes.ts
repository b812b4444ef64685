/** Exit codes of a runner, for schedulers that decide by them whether to run a task again. */
import type { ShardOutcome } from './run_shard.ts';

export const EXIT = {
  done: 0,
  /** An item failed for good: another try fails again. */
  permanent: 42,
  /** A failure that may pass (EX_TEMPFAIL of sysexits.h): run the task again. */
  tryAgain: 75,
  interrupted: 130,
  /** Drained at SIGTERM: finished items are kept, the others are left. */
  drained: 143,
} as const;

/** @param stop that ended the work early. */
export function exitCodeOf(
  { failed, retry, isStopped, fatal }: ShardOutcome,
  stop: 'SIGTERM' | 'SIGINT' = 'SIGINT',
): number {
  if (isStopped) return stop === 'SIGTERM' ? EXIT.drained : EXIT.interrupted;
  if (retry > 0 || fatal !== undefined) return EXIT.tryAgain;
  return failed > 0 ? EXIT.permanent : EXIT.done;
}
