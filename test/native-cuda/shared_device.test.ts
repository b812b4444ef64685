/** Devices of several processes that sum without a way through the host, as far as a machine without cards shows. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { ALONE, type Communicator } from '../../packages/core/src/processes/communicator.ts';
import { sumTensors } from '../../packages/core/src/processes/sum_tensors.ts';
import type { AddonBackend } from '../../packages/native-cuda/src/backend.ts';
import { optionsFrom } from '../../packages/native-cuda/src/options.ts';
import { sharedDeviceOf } from '../../packages/native-cuda/src/shared_device.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

/** The other process gives what this one does, but for its card. */
const two: Communicator = {
  ...{ ...ALONE, size: 2 },
  allGather: (bytes) => [
    bytes,
    new TextDecoder().decode(bytes) === 'card A' ? new TextEncoder().encode('card B') : bytes,
  ],
};

function backendWith(meetingPoint: () => Uint8Array) {
  const joined: unknown[] = [];
  const device = { meetingPoint, join: (...given: unknown[]) => joined.push(given) };
  return { backend: { device, allReduce: () => joined.push('summed') } as unknown as AddonBackend, joined };
}

describe('a communicator', () => {
  it('sums tensors on devices that have joined', () => {
    const { backend, joined } = backendWith(() => Uint8Array.of(7));
    const shared = sharedDeviceOf(backend, 'card A')(two, () => {});
    expect(joined).toEqual([[Uint8Array.of(7), 0, 2]]);
    const [a, b] = sumTensors([tf.tensor1d([1, 2]), tf.scalar(3)], shared);
    expect(joined.at(-1)).toBe('summed');
    expect([a!.shape, b!.shape]).toEqual([[2], []]);
  });

  it('is refused where two processes are on one card, before they join', () => {
    const { backend, joined } = backendWith(() => Uint8Array.of(7));
    const share = () => sharedDeviceOf(backend, 'card C')(two, () => {});
    expect(share).toThrow(/expected a card for each, found processes 0 and 1 on one\..*DOPPEL_CUDA_DEVICE/);
    expect(joined).toEqual([]);
  });

  it('is the one that was given where devices cannot, with the reason', () => {
    const lines: string[] = [];
    const { backend } = backendWith(() => {
      throw new Error('NCCL does not load');
    });
    expect(sharedDeviceOf(backend, 'card A')(two, (line) => lines.push(line))).toBe(two);
    expect(lines).toEqual(['gradients are summed through the host: NCCL does not load']);
    expect(sharedDeviceOf(backend, 'card A')(ALONE, (line) => lines.push(line))).toBe(ALONE);
  });
});

it('processes of one machine are told apart', () => {
  expect(optionsFrom({ OMPI_COMM_WORLD_LOCAL_RANK: '1' }).localRank).toBe(1);
  expect(optionsFrom({ SLURM_LOCALID: '2' }).localRank).toBe(2);
  expect(optionsFrom({}).localRank).toBeUndefined();
});
