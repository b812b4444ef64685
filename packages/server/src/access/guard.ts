/**
 * Access to a route: one middleware, which takes the bearer key from a request, asks a guard, and tells it how many bytes
 * arrive. It knows no files, so that the app runs on any runtime; `key_guard.ts` is the guard over a file of keys.
 */
import type { MiddlewareHandler } from 'hono';
import type { Need } from './scopes.ts';

/** A key that was admitted. */
export interface Caller {
  name: string;
  /** True for a key of the scope admin, which sees what belongs to other keys. */
  isAdmin?: boolean;
}

export interface Guard {
  /**
   * Admits a request; counts it, but not its bytes, which may never come.
   *
   * @param key as the client sent it. @param bytes of the body; undefined: not announced.
   * @throws ProblemError (401) for no or an unknown key, (403) for one without the scope, (429) beyond its limits.
   */
  admit(key: string | undefined, need: Exclude<Need, 'nothing'>, bytes: number | undefined): Promise<Caller>;
  /** Counts bytes of a body that have arrived. */
  spend(caller: Caller, bytes: number): Promise<void>;
}

/** Variables that the middleware sets: `caller` is the name of the key; without a guard there are none. */
export interface AccessVariables {
  caller?: string;
  isAdmin?: boolean;
}

/** Middleware of a route's path. @param method of the route; HEAD is answered as GET, and asks for the same. */
export const authorise =
  (guard: Guard, method: string, need: Exclude<Need, 'nothing'>): MiddlewareHandler<{ Variables: AccessVariables }> =>
  async (c, next) => {
    const asked = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    if (asked !== method.toUpperCase()) return next();
    const announced = c.req.header('content-length');
    // Node makes a stream of a body when it is looked at, which costs more than the rest.
    const isWhole = announced !== undefined && !c.req.header('content-encoding');
    const body = isWhole || asked === 'GET' ? null : c.req.raw.body;
    const bytes = body && announced === undefined ? undefined : Number(announced) || 0;
    const caller = await guard.admit(bearerOf(c.req.header('authorization')), need, bytes);
    c.set('caller', caller.name);
    c.set('isAdmin', caller.isAdmin ?? false);
    const count = (some: number) => guard.spend(caller, some);
    if (isWhole) countWhole(c.req.raw, count);
    if (body) c.req.raw = counted(c.req.raw, body, count);
    return next();
  };

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}

/** Counts a body when it is read: by `readBody` in one piece, or as a stream. */
function countWhole(request: Request, count: (bytes: number) => Promise<void>): void {
  const read = request.arrayBuffer.bind(request);
  const arrayBuffer = async () => {
    const bytes = await read();
    await count(bytes.byteLength);
    return bytes;
  };
  const stream = () => {
    const body: Body = Reflect.get(Object.getPrototypeOf(request), 'body', request);
    return body?.pipeThrough(counterOf(count)) ?? null;
  };
  Object.defineProperty(request, 'arrayBuffer', { value: arrayBuffer });
  Object.defineProperty(request, 'body', { get: stream });
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>> | null;

/** The request with its bytes counted as they arrive. */
function counted(request: Request, body: ReadableStream<Uint8Array>, count: (bytes: number) => Promise<void>): Request {
  return new Request(request, { body: body.pipeThrough(counterOf(count)), duplex: 'half' } as RequestInit);
}

const counterOf = (count: (bytes: number) => Promise<void>) =>
  new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      await count(chunk.length);
      controller.enqueue(chunk);
    },
  });
