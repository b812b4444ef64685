/** Devices of processes that train together. */
import type { Communicator } from '../processes/communicator.ts';
import { requireSame } from '../processes/require_same.ts';
import type { SelectedBackend } from './select_backend.ts';

/**
 * Communicator that sums tensors on the devices of the processes, where their backend can; else the one that was given.
 *
 * @param log gets the reason where it could and does not. @throws UsageError where processes chose different backends.
 */
export function shareDevices(
  { name, shareDevice }: Pick<SelectedBackend, 'name' | 'shareDevice'>,
  communicator: Communicator,
  log: (line: string) => void,
): Communicator {
  requireSame({ backend: name }, communicator);
  return shareDevice?.(communicator, log) ?? communicator;
}
