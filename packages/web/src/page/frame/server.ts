/** Requests to the server that the page comes from, with its key, and what the server says about itself. */
import type { Normalisation } from '@doppel/core/prepare';
import { signal } from '@preact/signals';
import { type Fault, FaultError } from '../fault.ts';
import { askForKey, storedKey } from './key.ts';

export interface ServedModel {
  /** Name of the model in requests. */
  name: string;
  fingerprint: string;
  preset: string;
  side: number;
  sides?: { min: number; multipleOf: number };
  channels: { sar: number; optical: number };
  normalisation: Normalisation;
  threshold: number;
  backend: string;
  version: string;
}

/** `none`: a web space without a server; patches are compared in the browser. */
export type Connection =
  | { state: 'looking' }
  | { state: 'none' }
  | { state: 'here'; model: ServedModel }
  | { state: 'failed'; fault: Fault };

export const connection = signal<Connection>({ state: 'looking' });

/** Request that found no server, or one that is not ready: it may be there again in a moment. */
export class UnreachableError extends FaultError {}

const UNREACHABLE: Fault = { message: 'Cannot reach the server. Check that it runs, then try again.' };
/** Statuses of a server that starts, stops or has too much to do, or of a proxy before it. */
const AWAY = new Set([502, 503, 504]);

/** Address of a path of the server, which may lie in a folder of its host. */
export const urlOf = (path: string): URL => new URL(path.replace(/^\//, './'), document.baseURI);

/** Sends a request; asks for a key where one is wanted. @throws FaultError for a refusal, or where there is no answer. */
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const key = storedKey();
  const headers = new Headers(init.headers);
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  const response = await fetch(urlOf(path), { ...init, headers }).catch((cause) => {
    if (init.signal?.aborted) throw cause;
    throw new UnreachableError(UNREACHABLE);
  });
  if (response.ok) return response;
  if (response.status === 401 && (await askForKey(key !== null)) !== null) return call(path, init);
  const Failure = AWAY.has(response.status) ? UnreachableError : FaultError;
  throw new Failure(await problemOf(response));
}

/** JSON of an answer. @throws FaultError */
export async function callJson<T>(path: string, init?: RequestInit): Promise<T> {
  return (await (await call(path, init)).json()) as T;
}

/** Fault of a problem document (RFC 9457). */
async function problemOf(response: Response): Promise<Fault> {
  const text = await response.text();
  try {
    const { detail, title, expected, found, remedy, file } = JSON.parse(text);
    return { message: detail ?? title, expected, found, remedy, file };
  } catch {
    return { message: `The server answered with status ${response.status}.` };
  }
}

/** Milliseconds between two questions whether the model is loaded. */
const LOADING_POLL_MS = 1000;

/** Finds out whether there is a server. */
export async function connect(): Promise<void> {
  if (!(await isServer())) {
    connection.value = { state: 'none' };
    return;
  }
  try {
    connection.value = { state: 'here', model: await loadedModel() };
  } catch (error) {
    connection.value = { state: 'failed', fault: (error as FaultError).fault };
  }
}

async function isServer(): Promise<boolean> {
  try {
    const response = await fetch(urlOf('/healthz'));
    return response.ok && (await response.json()).status === 'ok';
  } catch {
    return false;
  }
}

async function loadedModel(): Promise<ServedModel> {
  for (;;) {
    const ready = await fetch(urlOf('/readyz'));
    if (ready.status !== 503) return callJson<ServedModel>('/v1/model');
    await new Promise((resolve) => setTimeout(resolve, LOADING_POLL_MS));
  }
}
