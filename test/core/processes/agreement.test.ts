/** Agreements of processes: who stops, who works, who writes. */
import { describe, expect, it } from 'vitest';
import { anyOf, onFirst, StopAgreed } from '../../../packages/core/src/processes/agreement.ts';
import { ALONE, type Communicator } from '../../../packages/core/src/processes/communicator.ts';
import { leftToFirst } from '../../../packages/core/src/processes/left_to_first.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { together } from './together.ts';

/** A process that hears a text of the first. */
const hearing = (text: string): Communicator => ({
  ...ALONE,
  ...{ rank: 1, size: 2, allGather: (bytes) => [new TextEncoder().encode(text), bytes] },
});
const failing = (error: unknown) => () => Promise.reject(error);
const unused = failing(new Error('not its work'));

it('all know where one is asked to stop', () => {
  expect(together(3, (communicator) => anyOf(communicator, communicator.rank === 2))).toEqual([true, true, true]);
  expect(together(2, (communicator) => anyOf(communicator, false))).toEqual([false, false]);
  expect(anyOf(ALONE, true)).toBe(true);
});

describe('work of the first process', () => {
  const first: Communicator = {
    ...hearing(''),
    rank: 0,
    allGather: (bytes) => [bytes, new TextEncoder().encode('{}')],
  };

  it('is done once', async () => {
    await onFirst(hearing('{"done":true}'), unused, undefined);
    let done = 0;
    await onFirst(first, async () => void done++, undefined);
    expect(done).toBe(1);
  });

  it('that fails, or is stopped, is so for all', async () => {
    await expect(onFirst(hearing('{"failed":"the disk is full"}'), unused, undefined)).rejects.toMatchObject({
      ...{ tag: 'peer', message: expect.stringContaining('the disk is full') },
    });
    await expect(onFirst(hearing('{"stopped":true}'), unused, undefined)).rejects.toBeInstanceOf(StopAgreed);
    const error = new Error('own');
    await expect(onFirst(first, failing(error), undefined)).rejects.toBe(error);
    const signal = AbortSignal.abort('enough');
    await expect(onFirst(first, failing(signal.reason), signal)).rejects.toBe('enough');
  });
});

it('a store that is left to the first reads, and writes nothing', async () => {
  const store = new MemoryStore();
  await store.write('a', 'kept');
  const other = leftToFirst(store, { rank: 1 });
  await other.write('b', 'lost');
  await other.append('a', 'lost');
  await other.remove('a');
  await (await other.create('c')).finish();
  expect([...store.files.keys()]).toEqual(['a']);
  expect(new TextDecoder().decode(await other.read('a'))).toBe('kept');
  expect(leftToFirst(store, { rank: 0 })).toBe(store);
});
