/** Sums over processes on their cards: the communicator of a run, whose flat buffer need not pass through the host. */
import { reasonOf } from '@doppel/core/errors';
import type { Communicator } from '@doppel/core/training';
import type { AddonBackend } from './backend.ts';

/**
 * Communicator that sums tensors on the device of this process. Where the devices cannot, it is the one that was given.
 *
 * @param log gets the reason then.
 */
export const sharedDeviceOf =
  (backend: AddonBackend) =>
  (communicator: Communicator, log: (line: string) => void): Communicator => {
    const { rank, size } = communicator;
    if (size === 1) return communicator;
    const [meetingPoint] = communicator.allGather(rank === 0 ? meetingPointOf(backend, log) : new Uint8Array());
    if (!meetingPoint?.length) return communicator;
    backend.device.join(meetingPoint, rank, size);
    return { ...communicator, allReduceTensor: (tensor) => backend.allReduce(tensor) };
  };

/** Meeting point of the devices; empty where they have none. */
function meetingPointOf({ device }: AddonBackend, log: (line: string) => void): Uint8Array {
  try {
    return device.meetingPoint();
  } catch (cause) {
    log(`gradients are summed through the host: ${reasonOf(cause)}`);
    return new Uint8Array();
  }
}
