/** Program of the thread of galleries: one search after the other, pictures between their steps. */
import { parentPort, workerData } from 'node:worker_threads';
import { detailOf, partsOf } from '../scoring/error_parts.ts';
import { nativeLoaders } from '../scoring/native_loaders.ts';
import { type GalleryTask, openGalleries } from './gallery_engine.ts';
import type { GalleryReply, GalleryRequest } from './gallery_messages.ts';
import type { PictureOutcome, SearchOutcome } from './gallery_service.ts';

const port = parentPort!;
const reply = (message: GalleryReply, buffers: ArrayBuffer[] = []) => port.postMessage(message, buffers);
const stops = new Map<number, AbortController>();
let last: Promise<unknown> = Promise.resolve();

async function answer(id: number, work: () => Promise<SearchOutcome | PictureOutcome>): Promise<void> {
  try {
    reply({ kind: 'done', id, outcome: await work() });
  } catch (error) {
    reply({ kind: 'broken', id, found: detailOf(error) });
  }
}

try {
  const engine = await openGalleries(workerData as GalleryTask, await nativeLoaders(), (line) =>
    reply({ kind: 'log', line }),
  );
  port.on('message', (request: GalleryRequest) => {
    const { id } = request;
    if ('stop' in request) return stops.get(id)?.abort();
    if ('picture' in request) {
      const { gallery, tile } = request.picture;
      return void answer(id, () => engine.picture(gallery, tile));
    }
    const stop = new AbortController();
    stops.set(id, stop);
    last = last
      .then(() => answer(id, () => engine.search(request.search, stop.signal)))
      .finally(() => stops.delete(id));
  });
  reply({ kind: 'ready', described: engine.described });
} catch (error) {
  reply({ kind: 'failed', why: partsOf(error, 'open the galleries') }); // the server ends the thread
}
