/** Program of the reading thread: bodies in, items or tensors out. */
import { parentPort } from 'node:worker_threads';
import { ProblemError } from '../problem.ts';
import { buffersOf } from '../scoring/transfer.ts';
import { readTensors } from './infer_request.ts';
import { readItems } from './read_items.ts';
import type { ReadReply, ReadRequest } from './reading_thread.ts';
import { readSearch } from './search_request.ts';

const port = parentPort!;

port.on('message', async (request: ReadRequest) => {
  const { id } = request;
  const reply = (message: ReadReply, buffers: ArrayBuffer[] = []) => port.postMessage(message, buffers);
  try {
    if ('pairs' in request) {
      const items = await readItems(request.pairs, request.limits);
      reply({ id, read: items }, buffersOf(items.flatMap((item) => ('pair' in item ? [item.pair] : []))));
    } else if ('search' in request) {
      const read = await readSearch(request.search, request.limits);
      reply({ id, read }, buffersOf([{ modality: 'sar', tile: read.image }]));
    } else {
      const read = await readTensors(request.tensors);
      reply(
        { id, read },
        [...read.inputs.values()].map(({ data }) => data.buffer),
      );
    }
  } catch (error) {
    if (error instanceof ProblemError) reply({ id, problem: error.problem });
    else reply({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
