/** Reads the body of a request, decompressed, within the limits on its size and its time. */
import { reasonOf } from '@doppel/core/errors';
import { explain, type ProblemError, problemError } from '../problem.ts';

/** Formats of DecompressionStream by content coding (RFC 9110, section 8.4.1). */
const CODINGS: Readonly<Record<string, CompressionFormat>> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate' };

/**
 * Bytes of the body. @throws ProblemError (413) beyond `maxBytes`, announced, sent or decompressed, (415) for a coding that
 * is not known; the signal's reason if it aborts.
 */
export async function readBody(request: Request, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const announced = request.headers.get('content-length');
  if (Number(announced) > maxBytes) throw tooLarge(maxBytes, `${announced}`);
  const coding = codingOf(request);
  const bytes =
    announced !== null && coding === 'identity'
      ? await readWhole(request, signal)
      : await readParts(request.body, coding, maxBytes, signal);
  if (bytes.length > maxBytes) throw tooLarge(maxBytes, 'more');
  return bytes;
}

/** Reads a body of known length in one piece: on Node that needs no stream, and fewer copies. */
function readWhole(request: Request, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    const settle = (finish: () => void) => {
      signal.removeEventListener('abort', stop);
      finish();
    };
    request.arrayBuffer().then(
      (buffer) => settle(() => resolve(new Uint8Array(buffer))),
      (cause) => settle(() => (signal.aborted ? stop() : reject(cutShort(cause)))),
    );
  });
}

async function readParts(body: Bytes | null, coding: string, maxBytes: number, signal: AbortSignal) {
  if (!body) return new Uint8Array();
  const reader = decoded(body, coding).getReader();
  const stop = () => void reader.cancel(signal.reason).catch(() => {}); // the read below reports what happened
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await readAll(reader, maxBytes, signal);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Error of a body whose connection broke. */
export const cutShort = (cause: unknown): ProblemError =>
  problemError('malformed-request', {
    detail: `The body ended before it was whole (${reasonOf(cause)}). Send it again.`,
    ...{ expected: 'a whole body', found: 'a connection that broke off', remedy: 'Send it again.' },
  });

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Content coding of a body. */
export const codingOf = (request: Request): string =>
  request.headers.get('content-encoding')?.trim().toLowerCase() || 'identity';

/** The body as a stream, decompressed. @throws ProblemError (415) for a coding that is not known. */
export function decoded(body: Bytes, coding: string): Bytes {
  if (coding === 'identity') return body;
  const format = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  if (format) return body.pipeThrough(new DecompressionStream(format));
  const facts = explain('read the body', 'the content coding gzip, deflate or identity', `"${coding.slice(0, 60)}"`);
  throw problemError('unsupported-media-type', facts, { 'accept-encoding': 'gzip, deflate, identity' });
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
  signal: AbortSignal,
) {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      signal.throwIfAborted();
      throw cutShort(cause);
    });
    signal.throwIfAborted();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {}); // the client may be gone; the answer is the same
      throw tooLarge(maxBytes, 'more');
    }
    parts.push(value);
  }
}

function tooLarge(maxBytes: number, found: string): ProblemError {
  const facts = explain('read the body', `at most ${maxBytes} bytes`, found, 'Send less at a time.');
  return problemError('payload-too-large', facts);
}
