/** Agreements of processes: to stop, or that one of them has done something for all. */
import { PeerError, reasonOf } from '../errors.ts';
import type { Communicator } from './communicator.ts';
import { gatherJson } from './gather_json.ts';

/** Thrown in every process where one of them was asked to stop. */
export class StopAgreed extends Error {
  constructor() {
    super('a process of the run was asked to stop');
    this.name = 'AbortError';
  }
}

/** True where one of the processes says so. */
export function anyOf(communicator: Communicator, says: boolean): boolean {
  if (communicator.size === 1) return says;
  return communicator.allGather(Uint8Array.of(Number(says))).some(([flag]) => flag === 1);
}

/** Progress of one process's work, as the others hear of it. */
type News = { done: true } | { stopped: true } | { failed: string };

/**
 * Work of process 0 that the others wait for, such as a file that all read.
 *
 * @throws what the work throws; in the other processes a PeerError that says it.
 * @throws the signal's reason where that stopped the work; in the other processes StopAgreed.
 */
export async function onFirst(
  communicator: Communicator,
  work: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (communicator.size === 1) return work();
  let thrown: unknown;
  const news = communicator.rank === 0 ? await work().then<News, News>(() => ({ done: true }), failed) : {};
  const heard = gatherJson(communicator, news)[0] as News;
  if ('stopped' in heard) throw signal?.aborted ? signal.reason : new StopAgreed();
  if ('failed' in heard) {
    throw thrown ?? new PeerError({ action: 'go on', found: `that process 0 has failed: ${heard.failed}` });
  }

  function failed(error: unknown): News {
    thrown = error;
    return signal?.aborted && error === signal.reason ? { stopped: true } : { failed: reasonOf(error) };
  }
}
