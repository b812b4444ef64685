/** Inputs that processes must have alike: what differs is named, in every one of them. */
import { expect, it } from 'vitest';
import { shareDevices } from '../../../packages/core/src/backends/share_devices.ts';
import { ALONE, type Communicator } from '../../../packages/core/src/processes/communicator.ts';
import { requireSame } from '../../../packages/core/src/processes/require_same.ts';
import { together } from './together.ts';

const said = (work: (communicator: Communicator) => void) => (communicator: Communicator) => {
  try {
    work(communicator);
    return undefined;
  } catch (error) {
    if (!String(error).startsWith('UsageError')) throw error; // the means of `together`
    return String(error);
  }
};

it('alike inputs pass, and a process alone has no others', () => {
  const inputs = { data: 'a', batch: { positives: 3 }, seeds: [1, 2], from: undefined };
  expect(
    together(
      3,
      said((communicator) => requireSame(inputs, communicator)),
    ),
  ).toEqual([undefined, undefined, undefined]);
  requireSame(inputs, ALONE);
});

it('all processes name the input that differs, and where', () => {
  const texts = together(
    3,
    said((communicator) =>
      requireSame({ data: 'a', batch: { positives: communicator.rank < 2 ? 3 : 4 } }, communicator),
    ),
  );
  const text = 'expected the same batch.positives in all, found 3 in process 0 and 4 in process 2.';
  expect(texts).toEqual(Array(3).fill(expect.stringContaining(text)));
  const missing = together(
    2,
    said((communicator) => requireSame(communicator.rank ? { from: 'b' } : {}, communicator)),
  );
  expect(missing[0]).toContain('the same from in all, found none in process 0 and "b" in process 1');
});

it('devices join only where all processes have the same backend', () => {
  const joined = new Set<string>();
  const share = (names: readonly string[]) =>
    together(
      2,
      said((communicator) => {
        const { rank } = communicator;
        const shareDevice = (given: Communicator) => {
          joined.add(`${rank} on ${names[rank]}`);
          return given;
        };
        shareDevices({ name: names[rank]!, shareDevice }, communicator, () => {});
      }),
    );
  expect(share(['cuda', 'cuda'])).toEqual([undefined, undefined]);
  expect([...joined].sort()).toEqual(['0 on cuda', '1 on cuda']);
  expect(share(['cuda', 'native'])[1]).toContain('found "cuda" in process 0 and "native" in process 1');
  expect(joined.size).toBe(2);
});
