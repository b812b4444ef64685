/** Long work with a progress bar, which Ctrl-C ends early. */
import { Interrupted, type Outcome } from './outcome.ts';
import { type Progress, startProgress, type Terminal } from './progress.ts';

export interface WorkPlan {
  /** Text before the bar. */
  label: string;
  /** Unit of the progress, such as "pairs". */
  unit: string;
  /** Outcome after Ctrl-C. Default: nothing was written. */
  interrupted?: Partial<Outcome>;
}

/** Signal and callbacks of long work; the fields are those of core's tasks. */
export interface Watch {
  readonly signal: AbortSignal;
  /** @param note a few words behind the bar, such as the loss. */
  onProgress(done: number, total: number, note?: string): void;
  /** A line above the bar. */
  onLog(line: string): void;
  /** Starts the next part of the work, with a new bar. @param unit default: that of the plan. */
  onPhase(label: string, unit?: string): void;
}

/** @throws Interrupted if the work ends by throwing the reason of the aborted signal. */
export async function work<T>(
  { label, unit, interrupted }: WorkPlan,
  run: (watch: Watch) => Promise<T>,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<T> {
  let phase = label;
  let counted = unit;
  let bar: Progress | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  try {
    return await run({
      signal,
      onProgress(done, total, note) {
        bar ??= startProgress(phase, total, counted, terminal);
        bar.update(done, note);
      },
      onLog(line) {
        stop(); // the bar starts again below the line
        terminal.write(`${line}\n`);
      },
      onPhase(name, its = unit) {
        if (name !== phase) stop();
        [phase, counted] = [name, its];
      },
    });
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    throw new Interrupted(interrupted);
  } finally {
    stop();
  }
}
