/** Program of a thread that imports scenes: tasks in, parts of the data set out. */
import { parentPort } from 'node:worker_threads';
import { importScene, type SceneTask } from '@doppel/core/import';
import { FileStore } from '@doppel/core/node';
import type { SceneReply } from './scene_threads.ts';

const port = parentPort!;
const store = new FileStore();

port.on('message', async (task: SceneTask) => {
  const part = await importScene(store, task).catch(() => undefined); // the main thread tries again, and reports
  port.postMessage({ part } satisfies SceneReply);
});
