/** A file as an answer, as a whole or by one range of bytes (RFC 9110, section 14). */
import { typeOf } from '../jobs/job.ts';
import type { ServedFile } from '../jobs/registrations.ts';
import { explain, problemError } from '../problem.ts';

/** Bytes of the file that are in memory at a time. */
const PIECE = 2 ** 18;

/** Headers that keep a file of others from doing anything in a browser but being looked at. */
const HARMLESS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
};

interface Range {
  start: number;
  /** Behind the last byte. */
  end: number;
}

/** @param range header of the request. @throws ProblemError (416) for bytes beyond the file. */
export function fileResponse(file: ServedFile, range: string | undefined): Response {
  const asked = rangeOf(range, file.bytes);
  const { start, end } = asked ?? { start: 0, end: file.bytes };
  return new Response(streamOf(file, start, end), {
    status: asked ? 206 : 200,
    headers: {
      ...HARMLESS,
      'content-type': typeOf(file.name),
      'content-length': `${end - start}`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      ...(asked && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
    },
  });
}

/**
 * Range that a header asks for; undefined where the whole file is the answer: no range, several, or one that is not understood.
 *
 * @throws ProblemError (416) for bytes beyond the file.
 */
function rangeOf(header: string | undefined, bytes: number): Range | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  const start = from === '' ? Math.max(bytes - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? bytes : Math.min(Number(to) + 1, bytes);
  if (from !== '' && to !== '' && Number(to) < start) return undefined;
  if (start < end) return { start, end };
  const facts = explain('read the range', `bytes below ${bytes}`, `${header}`);
  throw problemError('range-not-satisfiable', facts, { 'content-range': `bytes */${bytes}` });
}

function streamOf(file: ServedFile, start: number, end: number): ReadableStream<Uint8Array> {
  let at = start;
  return new ReadableStream({
    async pull(controller) {
      if (at >= end) return controller.close();
      const piece = await file.read(at, Math.min(PIECE, end - at));
      if (piece.length === 0) throw new Error(`${file.name} is shorter than it was`);
      at += piece.length;
      controller.enqueue(piece);
      if (at >= end) controller.close();
    },
  });
}
