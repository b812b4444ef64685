/** The entry point of a scoring thread: it holds the backend and the model, and scores batch after batch. */
import { parentPort, workerData } from 'node:worker_threads';
import { isDoppelError, reasonOf } from '@doppel/core';
import { openEngine } from './model_engine.ts';
import { nativeLoaders } from './native_loaders.ts';
import type { PlainError, ScoreRequest, WorkerReply, WorkerTask } from './scoring_messages.ts';

const port = parentPort!;
const reply = (message: WorkerReply) => port.postMessage(message);

function plain(error: unknown): PlainError {
  if (!isDoppelError(error))
    return { message: error instanceof Error ? (error.stack ?? error.message) : reasonOf(error) };
  const { message, tag, action, expected, found, remedy } = error;
  return { message, tag, action, expected, found, remedy, file: (error as { file?: string }).file };
}

try {
  const engine = await openEngine({ ...(workerData as WorkerTask), loaders: await nativeLoaders() });
  port.on('message', async ({ batch, pairs }: ScoreRequest) => {
    try {
      reply({ kind: 'scored', batch, outcomes: await engine.score(pairs) });
    } catch (error) {
      reply({ kind: 'broken', batch, error: plain(error) });
    }
  });
  reply({ kind: 'ready', served: engine.served });
} catch (error) {
  reply({ kind: 'failed', error: plain(error) }); // and wait to be ended
}
