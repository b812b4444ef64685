/** Errors of threads as plain data, as their classes do not cross to another thread. */
import { type Explanation, isDoppelError, reasonOf } from '@doppel/core/errors';

/** Parts of an error's message. @param action of the thread, for errors that are not foreseen. */
export function partsOf(error: unknown, action: string): Explanation {
  if (!isDoppelError(error)) return { action, found: detailOf(error) };
  const { expected, found, remedy } = error;
  return {
    action: 'file' in error ? `${error.action} ${error.file}` : error.action,
    ...(expected && { expected }),
    ...(found && { found }),
    ...(remedy && { remedy }),
  };
}

/** Message of a foreseen error, stack of any other. */
export const detailOf = (error: unknown): string =>
  !isDoppelError(error) && error instanceof Error ? (error.stack ?? error.message) : reasonOf(error);
