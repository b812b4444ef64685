/** Sums over processes on their cards: the communicator of a run, whose flat buffer need not pass through the host. */
import { reasonOf, UsageError } from '@doppel/core/errors';
import type { Communicator } from '@doppel/core/training';
import type { AddonBackend } from './backend.ts';

/**
 * Communicator that sums tensors on the device of this process. Where the devices cannot, it is the one that was given.
 *
 * @param card of this process. @param log gets the reason then. @throws UsageError, in all processes, where two are on one
 * card: each would wait there for the other.
 */
export const sharedDeviceOf =
  (backend: AddonBackend, card: string) =>
  (communicator: Communicator, log: (line: string) => void): Communicator => {
    const { rank, size } = communicator;
    if (size === 1) return communicator;
    const [meetingPoint] = communicator.allGather(rank === 0 ? meetingPointOf(backend, log) : new Uint8Array());
    if (!meetingPoint?.length) return communicator;
    refuseSharedCard(communicator, card);
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

function refuseSharedCard(communicator: Communicator, card: string): void {
  const cards = communicator.allGather(new TextEncoder().encode(card)).map((bytes) => new TextDecoder().decode(bytes));
  const second = cards.findIndex((each, i) => cards.indexOf(each) < i);
  if (second < 0) return;
  throw new UsageError({
    action: `sum the gradients of ${communicator.size} processes on their cards`,
    expected: 'a card for each',
    found: `processes ${cards.indexOf(cards[second]!)} and ${second} on one`,
    remedy: 'Start no more processes on a machine than it has cards; DOPPEL_CUDA_DEVICE names the card of each.',
  });
}
