/**
 * A scoring thread without a model, that speaks the messages of scoring_messages.ts. The first SAR sample of a batch's
 * first pair is what it is told to do; a score is that of `fake_scorer.ts`.
 */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const reply = (message) => parentPort.postMessage(message);
const first = (image) => image.data[0];
const scoreOf = ({ sar, optical }) => first(sar) - first(optical);

const DEEDS = {
  666: () => process.exit(3),
  667: () => setTimeout(() => JSON.parse('{')),
  668: () => {},
  669: ({ batch }) => reply({ kind: 'broken', batch, found: 'out of memory' }),
};

/** Works without a pause, as a network does. */
function busy(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

parentPort.on('message', (request) => {
  const { batch, work: pairs } = request;
  const deed = DEEDS[first(pairs[0].sar)];
  if (deed) return deed(request);
  busy(workerData.file === 'busy' ? 400 : 1);
  const outcomes = pairs.map((pair) => ({ score: scoreOf(pair), probability: 0.5, match: true, threshold: 0.5 }));
  reply({ kind: 'scored', batch, outcomes });
});

/** The model's bytes are its text, and stand for its fingerprint. */
const text = new TextDecoder().decode(workerData.model);
const fingerprint = createHash('sha256').update(workerData.model).digest('hex');
const info = { fingerprint, preset: 'fake', side: 1, sarBands: 1, opticalBands: 1 };

if (workerData.file === 'bad' || text === 'bad') {
  reply({ kind: 'failed', why: { action: 'read the checkpoint bad', expected: 'a checkpoint', found: 'noise' } });
} else {
  reply({ kind: 'ready', served: { name: workerData.file, backend: 'cpu', info } });
}
