/** Settings with which a folder of results was begun: rows that are added with others would not compare. */
import { readText, type Store } from '@doppel/core';
import { UsageError } from '@doppel/core/errors';

/** @param file of the settings. @throws UsageError unless it holds the same ones. */
export async function requireBegunWith(
  settings: string,
  { store, file, action, remedy }: { store: Store; file: string; action: string; remedy: string },
): Promise<void> {
  const before = (await readText(store, file)).trim();
  if (before === settings) return;
  throw new UsageError({ action, expected: `the settings it began with, ${before}`, found: settings, remedy });
}
