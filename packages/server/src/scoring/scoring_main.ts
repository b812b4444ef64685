/** Program of a scoring thread: it holds the backend and the model, and scores batch after batch. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Explanation, isDoppelError, reasonOf } from '@doppel/core/errors';
import { openEngine } from './model_engine.ts';
import { nativeLoaders } from './native_loaders.ts';
import type { ScoreRequest, WorkerReply, WorkerTask } from './scoring_messages.ts';

const port = parentPort!;
const reply = (message: WorkerReply) => port.postMessage(message);

/** Parts of an error's message, as its class does not cross to another thread. */
function partsOf(error: unknown): Explanation {
  if (!isDoppelError(error)) return { action: 'load the model', found: detailOf(error) };
  const { action, expected, found, remedy } = error;
  return {
    action: 'file' in error ? `${action} ${error.file}` : action,
    ...(expected && { expected }),
    ...(found && { found }),
    ...(remedy && { remedy }),
  };
}

/** Message of a foreseen error, stack of any other. */
const detailOf = (error: unknown) =>
  !isDoppelError(error) && error instanceof Error ? (error.stack ?? error.message) : reasonOf(error);

try {
  const engine = await openEngine({ ...(workerData as WorkerTask), loaders: await nativeLoaders() });
  port.on('message', async ({ batch, work }: ScoreRequest) => {
    try {
      reply({ kind: 'scored', batch, outcomes: await engine.run(work) });
    } catch (error) {
      reply({ kind: 'broken', batch, found: detailOf(error) });
    }
  });
  reply({ kind: 'ready', served: engine.served });
} catch (error) {
  reply({ kind: 'failed', why: partsOf(error) }); // the server ends the thread
}
