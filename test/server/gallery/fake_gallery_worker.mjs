/**
 * A thread of galleries without a model, that speaks the messages of gallery_messages.ts. The first sample of a search is what
 * it is told to do.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const reply = (message) => parentPort.postMessage(message);
const { galleries, models } = workerData;
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

const DEEDS = {
  666: () => process.exit(3),
  668: () => {},
  670: ({ id }) => {
    reply({ kind: 'log', line: 'a scene is missing' });
    reply({ kind: 'done', id, outcome: { places: [] } });
  },
  669: ({ id }) => reply({ kind: 'broken', id, found: 'out of memory' }),
};

parentPort.on('message', (request) => {
  const { id, search, stop } = request;
  if (stop) return;
  const deed = DEEDS[search?.image.data[0]];
  if (deed) return deed(request);
  reply({ kind: 'done', id, outcome: search ? { places: [] } : { picture: null } });
});

/** A gallery is the text of its file; it needs a model of that text's first word. */
const described = galleries.map(({ name, folder }) => {
  const text = readFileSync(folder, 'utf8');
  const model = models.find(({ bytes }) => new TextDecoder().decode(bytes) === text.split(' ')[0]);
  return (
    model && { name, tiles: text.length, model: model.file, fingerprint: digest(model.bytes), digest: digest(text) }
  );
});
if (described.every(Boolean)) reply({ kind: 'ready', described });
else reply({ kind: 'failed', why: { action: 'serve the gallery', expected: 'its model', found: 'others' } });
