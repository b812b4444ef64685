/** Program of a thread that imports no scenes: it says which it took, fails, or dies. */
import { parentPort } from 'node:worker_threads';

parentPort.on('message', ({ scene }) => {
  if (scene.name.includes('dies')) process.exit(3);
  if (scene.name.includes('waits')) return;
  const part = { part: { records: [], windows: [], contents: new Map(), skipped: { [`by-thread-${scene.name}`]: 1 } } };
  parentPort.postMessage({
    part: scene.name.includes('fails') ? undefined : { ...part, findings: [], format: undefined, windows: undefined },
  });
});
