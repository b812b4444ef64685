/**
 * Two scenes as multipart/form-data, written to disk as they come: files `sar` and `optical`, and an optional field
 * `settings` of JSON. No more than a piece of the body is in memory, and names of files decide nothing but what they are
 * called.
 */
import type { FileWriter } from '@doppel/core';
import { type MultipartError, make, type PartInfo } from 'multipasta';
import { cutShort } from '../body/read_body.ts';
import { readJson } from '../body/read_json.ts';
import { explain, type ProblemError, problemError } from '../problem.ts';
import { type JobInputs, type JobRecord, SCENES, type SceneName } from './job.ts';
import { checkedSettings } from './job_settings.ts';
import { shownName } from './named_scenes.ts';

export interface SceneUpload {
  readonly body: ReadableStream<Uint8Array>;
  readonly contentType: string;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}

export interface SceneSink {
  /** Begins the file of a scene. */
  create(scene: SceneName): Promise<FileWriter>;
  /** Told of bytes before they are written. @throws ProblemError if there is no room for them. */
  take(bytes: number): Promise<void>;
}

export interface UploadLimits {
  /** Bytes of a body. */
  maxBytes: number;
  /** Milliseconds in which a body must begin to arrive; it has more for what has arrived, by `LEAST_RATE`. */
  timeoutMs: number;
}

export interface ReceivedScenes {
  inputs: JobInputs;
  /** Checked; none were given: empty. */
  settings: JobRecord['settings'];
}

/** Bytes in a millisecond at which a body must arrive, beyond the timeout. */
export const LEAST_RATE = 64;

const MAX_SETTINGS = 2 ** 16;
const MAX_PARTS = 8;

/**
 * Writes the scenes. The caller removes what is written if it fails.
 *
 * @throws ProblemError if the form cannot be understood, is too large or too slow; what the sink throws.
 */
export async function receiveScenes(
  upload: SceneUpload,
  sink: SceneSink,
  limits: UploadLimits,
): Promise<ReceivedScenes> {
  const form = new Form(upload.contentType, sink);
  try {
    for await (const piece of piecesOf(upload, limits)) {
      await sink.take(piece.length);
      await form.write(piece);
    }
    return await form.end();
  } catch (error) {
    await form.discard();
    throw error;
  }
}

/** Pieces of the body. @throws ProblemError (413) beyond the limit, (408) if it is too slow, (499) if the client leaves. */
async function* piecesOf(
  { body, signal }: SceneUpload,
  { maxBytes, timeoutMs }: UploadLimits,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const started = performance.now();
  let size = 0;
  try {
    for (;;) {
      const rest = started + timeoutMs + size / LEAST_RATE - performance.now();
      const { done, value } = await within(rest, reader, signal);
      if (done) return;
      size += value.length;
      if (size > maxBytes) throw tooLarge(maxBytes, 'more');
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // the client may be gone
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

function within(ms: number, reader: Reader, signal: AbortSignal): ReturnType<Reader['read']> {
  return new Promise((resolve, reject) => {
    const leave = () => settle(() => reject(left()));
    const timer = setTimeout(() => settle(() => reject(tooSlow())), Math.max(ms, 0));
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      finish();
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) return leave();
    reader.read().then(
      (result) => settle(() => resolve(result)),
      (cause) => settle(() => reject(signal.aborted ? left() : cutShort(cause))),
    );
  });
}

const left = () => problemError('client-closed-request', { detail: 'The client closed the connection.' });
const tooSlow = () => {
  const [expected, remedy] = [`at least ${LEAST_RATE} kB in a second`, 'Use a faster connection.'];
  return problemError('request-timeout', explain('receive the scenes', expected, 'fewer', remedy));
};

export function tooLarge(maxBytes: number, found: string): ProblemError {
  const facts = explain('receive the scenes', `at most ${maxBytes} bytes`, found, 'Cut or compress the scenes.');
  return problemError('payload-too-large', facts);
}

type Event =
  | { kind: 'begin'; name: string; filename: string | undefined }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'end' }
  | { kind: 'field'; name: string; value: Uint8Array }
  | { kind: 'broken'; found: string }
  | { kind: 'done' };

interface OpenScene {
  scene: SceneName;
  writer: FileWriter;
  name: string;
  bytes: number;
}

/** The form as it comes: the parser tells at once what a piece holds, and it is written before the next piece. */
class Form {
  readonly #sink: SceneSink;
  readonly #parser: { write(piece: Uint8Array): void; end(): void };
  readonly #events: Event[] = [];
  readonly #inputs: Partial<JobInputs> = {};
  #open: OpenScene | undefined;
  #settings: JobRecord['settings'] | undefined;
  #isDone = false;

  constructor(contentType: string, sink: SceneSink) {
    this.#sink = sink;
    const tell = (event: Event) => void this.#events.push(event);
    this.#parser = make({
      ...{ headers: { 'content-type': contentType }, maxParts: MAX_PARTS, maxFieldSize: MAX_SETTINGS },
      isFile: ({ name }: PartInfo) => name !== 'settings',
      onField: ({ name }, value) => tell({ kind: 'field', name, value }),
      onFile({ name, filename }) {
        tell({ kind: 'begin', name, filename });
        return (bytes) => tell(bytes ? { kind: 'bytes', bytes } : { kind: 'end' });
      },
      onError: (error) => tell({ kind: 'broken', found: foundOf(error) }),
      onDone: () => tell({ kind: 'done' }),
    });
  }

  async write(piece: Uint8Array): Promise<void> {
    if (this.#isDone) return; // what follows the last boundary is to be ignored
    try {
      this.#parser.write(piece);
    } catch (cause) {
      throw malformed(`a part that does not parse (${(cause as Error).message})`); // a name that is not encoded well
    }
    for (const event of this.#events.splice(0)) await this.#take(event);
  }

  async end(): Promise<ReceivedScenes> {
    this.#parser.end();
    for (const event of this.#events.splice(0)) await this.#take(event);
    const { sar, optical } = this.#inputs;
    if (!this.#isDone) throw malformed('a form that ends early');
    if (!sar || !optical) throw malformed(`no file in "${sar ? 'optical' : 'sar'}"`);
    return { inputs: { sar, optical }, settings: this.#settings ?? {} };
  }

  async discard(): Promise<void> {
    await this.#open?.writer.discard();
    this.#open = undefined;
  }

  async #take(event: Event): Promise<void> {
    if (event.kind === 'begin') return this.#begin(event.name, event.filename);
    if (event.kind === 'broken' && !this.#isDone) throw malformed(event.found);
    if (event.kind === 'field') this.#set(event.value);
    if (event.kind === 'done') this.#isDone = true;
    if (event.kind === 'bytes' && this.#open) {
      this.#open.bytes += event.bytes.length;
      await this.#open.writer.write(event.bytes);
    }
    if (event.kind === 'end') await this.#finish();
  }

  /** Checks the settings as they come: those before the scenes are refused before the scenes are sent. */
  #set(value: Uint8Array): void {
    if (this.#settings) throw malformed('"settings" twice');
    this.#settings = checkedSettings(readJson(value, 'read the settings'));
  }

  async #begin(name: string, filename: string | undefined): Promise<void> {
    const scene = SCENES.find((each) => each === name);
    if (!scene) throw malformed(`a field "${name.slice(0, 60)}"`);
    if (this.#inputs[scene]) throw malformed(`"${scene}" twice`);
    const writer = await this.#sink.create(scene);
    this.#open = { scene, writer, name: shownName(filename, scene), bytes: 0 };
  }

  async #finish(): Promise<void> {
    if (!this.#open) return;
    const { scene, writer, name, bytes } = this.#open;
    if (bytes === 0) throw malformed(`an empty file in "${scene}"`);
    await writer.finish();
    this.#open = undefined;
    this.#inputs[scene] = { name, bytes };
  }
}

function foundOf(error: MultipartError): string {
  if (error._tag === 'ReachedLimit') return error.limit === 'MaxParts' ? 'more parts' : 'settings that are too long';
  if (error._tag === 'EndNotReached') return 'a form that ends early';
  return error._tag === 'InvalidBoundary' ? 'no boundary in the content type' : 'a part whose headers do not parse';
}

function malformed(found: string): ProblemError {
  const expected = 'multipart/form-data with files in "sar" and "optical", and no more than "settings"';
  return problemError('malformed-request', explain('read the form', expected, found));
}
