/** Program of a scoring thread: it holds the backend and the model, and scores batch after batch. */
import { parentPort, workerData } from 'node:worker_threads';
import { detailOf, partsOf } from './error_parts.ts';
import { type MapsOf, openEngine } from './model_engine.ts';
import { nativeLoaders } from './native_loaders.ts';
import type { ScoreRequest, WorkerReply, WorkerTask } from './scoring_messages.ts';

const port = parentPort!;
const reply = (message: WorkerReply) => port.postMessage(message);

try {
  /** Loaded when a map is asked for, which is rare. */
  const mapsOf: MapsOf = async (...pairs) => (await import('./pair_maps.ts')).pairMapsOf(...pairs);
  const engine = await openEngine({ ...(workerData as WorkerTask), loaders: await nativeLoaders(), mapsOf });
  port.on('message', async ({ batch, work }: ScoreRequest) => {
    try {
      reply({ kind: 'scored', batch, outcomes: await engine.run(work) });
    } catch (error) {
      reply({ kind: 'broken', batch, found: detailOf(error) });
    }
  });
  reply({ kind: 'ready', served: engine.served });
} catch (error) {
  reply({ kind: 'failed', why: partsOf(error, 'load the model') }); // the server ends the thread
}
