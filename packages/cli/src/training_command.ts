/** Checks shared by the commands that train: each run has a separate folder, and a resumed run keeps its settings. */
import { joinPath, UsageError } from '@doppel/core';
import type { Context } from './context.ts';
import { kebab } from './flags.ts';

/** Refuses a folder that already holds a run: two runs would mix their files. */
export async function refuseOlderRun({ store }: Context, run: string): Promise<void> {
  if (!(await store.stat(joinPath(run, 'checkpoints')))) return;
  throw new UsageError({
    action: `train into ${run}`,
    expected: 'a folder without a run',
    found: 'checkpoints of an earlier one',
    remedy: `Resume it by --resume ${run}, name another folder by --out, or remove it.`,
  });
}

/**
 * Refuses settings beside --resume: the run has its own.
 *
 * @param flags that are settings. @param but flags that are allowed nevertheless, for the message.
 */
export function refuseSettings<Given extends { resume?: string | undefined }>(
  given: Given,
  flags: readonly (keyof Given & string)[],
  { but, remedy }: { but?: string; remedy: string },
): void {
  const first = flags.find((name) => given[name] !== undefined);
  if (first === undefined) return;
  throw new UsageError({
    action: `resume the run in ${given.resume}`,
    expected: `no settings${but ? ` but ${but}` : ''}, since the run has its own`,
    found: `--${kebab(first)}`,
    remedy,
  });
}
