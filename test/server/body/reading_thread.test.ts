/** Large bodies are read on a thread, whose death costs the requests that it was reading. */

import { afterEach, expect, it } from 'vitest';
import { limitsFrom } from '../../../packages/server/src/body/limits.ts';
import { ReadingThread } from '../../../packages/server/src/body/reading_thread.ts';

const contentType = 'application/json';
let open: ReadingThread | undefined;
afterEach(() => open?.close());

/** A program for the thread, which is asked by messages `{id, pairs, limits}` or `{id, tensors}`. */
function threadOf(program: string): ReadingThread {
  const code = `import { parentPort } from 'node:worker_threads'; parentPort.on('message', ${program})`;
  open = new ReadingThread(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  return open;
}

const large = () => new Uint8Array(2 ** 19).fill(0x20);
const small = () => new TextEncoder().encode('{"sar": [[1]], "optical": [[1]]}');

it('sends large bodies to the thread and reads small ones here', async () => {
  const { readItems } = threadOf(
    '({ id, pairs }) => parentPort.postMessage({ id, read: [{ id: String(pairs.bytes.length) }] })',
  );
  expect(await readItems({ bytes: large(), contentType }, limitsFrom())).toEqual([{ id: `${2 ** 19}` }]);
  expect(await readItems({ bytes: small(), contentType }, limitsFrom())).toMatchObject([{ id: '0', pair: {} }]);
});

it('sends large tensors in JSON to the thread, and reads raw ones here', async () => {
  const { readTensors } = threadOf(
    '({ id, tensors }) => parentPort.postMessage({ id, read: { id: `${tensors.bytes.length}` } })',
  );
  expect(await readTensors({ bytes: large(), headerLength: null })).toEqual({ id: `${2 ** 19}` });
  await expect(readTensors({ bytes: large(), headerLength: '10' })).rejects.toMatchObject({ problem: { status: 400 } });
});

it('passes problems on', async () => {
  const { readItems } = threadOf('({ id }) => parentPort.postMessage({ id, problem: { status: 400, detail: "no" } })');
  const reading = readItems({ bytes: large(), contentType }, limitsFrom());
  await expect(reading).rejects.toMatchObject({ name: 'ProblemError', problem: { status: 400 } });
});

it('starts a new thread for the next request after one has died', async () => {
  const { readItems } = threadOf('() => process.exit(4)');
  for (let i = 0; i < 2; i++) {
    const reading = readItems({ bytes: large(), contentType }, limitsFrom());
    await expect(reading).rejects.toMatchObject({ tag: 'server', message: expect.stringMatching(/exit code 4/) });
  }
});
