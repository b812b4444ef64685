/** Program of the reading thread: bodies in, items out. */
import { parentPort } from 'node:worker_threads';
import { ProblemError } from '../problem.ts';
import { buffersOf } from '../scoring/transfer.ts';
import { readItems } from './read_items.ts';
import type { ReadReply, ReadRequest } from './reading_thread.ts';

const port = parentPort!;

port.on('message', async ({ id, body, limits }: ReadRequest) => {
  const reply = (message: ReadReply, buffers: ArrayBuffer[] = []) => port.postMessage(message, buffers);
  try {
    const items = await readItems(body, limits);
    reply({ id, items }, buffersOf(items.flatMap((item) => ('pair' in item ? [item.pair] : []))));
  } catch (error) {
    if (error instanceof ProblemError) reply({ id, problem: error.problem });
    else reply({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
