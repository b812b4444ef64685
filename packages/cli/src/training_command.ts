/** What the commands that train have in common: flags, a folder of their own for each run, and a bar with lines above it. */
import { joinPath, UsageError } from '@doppel/core';

import type { Context } from './context.ts';
import type { Progress } from './progress.ts';

/** Where a run lies, nothing else is trained: two runs in one folder would mix their files. */
export async function refuseOlderRun({ store }: Context, run: string): Promise<void> {
  if (!(await store.stat(joinPath(run, 'checkpoints')))) return;
  throw new UsageError({
    action: `train into ${run}`,
    expected: 'a folder without a run',
    found: 'checkpoints of an earlier one',
    remedy: `Take it up by --resume ${run}, name another folder by --out, or remove it.`,
  });
}

/**
 * A run that is taken up has its settings.
 *
 * @param flags that are settings. @param but what may be given all the same, for the message.
 */
export function refuseSettings<Flags extends { resume?: string | undefined }>(
  given: Flags,
  flags: readonly (keyof Flags & string)[],
  { but, remedy }: { but?: string; remedy: string },
): void {
  const first = flags.find((name) => given[name] !== undefined);
  if (first === undefined) return;
  throw new UsageError({
    action: `take up the run ${given.resume}`,
    expected: `no settings${but ? ` but ${but}` : ''}, since the run has its own`,
    found: `--${first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    remedy,
  });
}

/** One bar for a whole run, which begins anew below each line of the log. */
export class RunProgress {
  private bar: Progress | undefined;
  private readonly context: Context;
  private readonly unit: string;

  constructor(context: Context, unit: string) {
    this.context = context;
    this.unit = unit;
  }

  update(done: number, total: number, note: string): void {
    this.bar ??= this.context.progress('training', total, this.unit);
    this.bar.update(done, note);
  }

  /** Where there is a bar. */
  note(done: number, note: string): void {
    this.bar?.update(done, note);
  }

  log(line: string): void {
    this.stop();
    this.context.log(line);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
