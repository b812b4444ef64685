/** Refusal of several processes by commands that would do the same work in each. */
import { type Environment, processPlace } from '@doppel/core/batch';
import { UsageError } from '@doppel/core/errors';

/** Refuses to do the same work in each of several processes. @param remedy what to do instead. */
export function refuseProcesses(action: string, remedy: string, environment: Environment = process.env): void {
  const place = processPlace(environment);
  if (!place) return;
  throw new UsageError({
    ...{ action, expected: 'one process', found: `${place.size} that ${place.launcher} started`, remedy },
  });
}
