/** `/v1/registrations`: scenes are registered as jobs, which run beside the server's other work; `/v1/examples`. */
import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import type { AccessVariables } from '../access/guard.ts';
import type { Limits } from '../body/limits.ts';
import { codingOf, decoded, readBody } from '../body/read_body.ts';
import { isJson, requireKnownType } from '../body/read_items.ts';
import { readJson } from '../body/read_json.ts';
import { jobSchema, SCENES } from '../jobs/job.ts';
import type { Examples, JobCaller, Registrations, ServedFile } from '../jobs/registrations.ts';
import { explain, type ProblemError, problemError, problemSchema } from '../problem.ts';
import { foundBySchema } from '../schema_error.ts';
import { endpoint, json, problemJson } from './answers.ts';
import { deadlineOf } from './deadline.ts';
import { fileResponse } from './served_file.ts';

export interface RegistrationDeps {
  /** Undefined: the server was started without a folder for them. */
  registrations: Registrations | undefined;
  examples: Examples | undefined;
  limits: Limits;
}

const idParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });
const exampleSchema = z.strictObject({
  example: z.string(),
  settings: z.record(z.string(), z.unknown()).default({}),
});

/** Bodies as the document has them. They are no zod schemas, with which the framework would hold a whole body. */
const settings = {
  type: 'object' as const,
  description: 'Settings of the registration by name, as flags of `doppel register` in camel case: {"radius": "600m"}',
};
const exampleBody = {
  ...{ type: 'object' as const, required: ['example'], additionalProperties: false },
  properties: { example: { type: 'string' as const, description: 'Name in /v1/examples' }, settings },
};
const scene = { type: 'string' as const, contentMediaType: 'image/tiff', description: 'GeoTIFF' };
const form = {
  ...{ type: 'object' as const, required: ['sar', 'optical'], additionalProperties: false },
  properties: { sar: scene, optical: scene, settings: { ...settings, type: 'string' as const } },
};
const binary = () => z.string().openapi({ format: 'binary' });

const off = problemJson('The server has no folder for registrations, or no room in it', problemSchema);
const unknown = problemJson('There is no such registration, or not for this key', problemSchema);
const bytes = { description: 'The file', content: { '*/*': { schema: binary() } } };

const PATH = '/v1/registrations';
/** Route below `/v1/registrations`. */
const route = <R extends Omit<RouteConfig, 'responses'>, A extends RouteConfig['responses']>(config: R, responses: A) =>
  createRoute({ ...config, responses: { ...responses, 503: off } });

const create = createRoute({
  ...{ method: 'post', path: PATH, operationId: 'register', summary: 'Register an optical scene on a SAR scene' },
  request: {
    body: {
      required: true,
      description: 'Files `sar` and `optical`, and `settings` as JSON; or the name of an example',
      content: { 'multipart/form-data': { schema: form }, 'application/json': { schema: exampleBody } },
    },
  },
  responses: {
    202: {
      ...json('The job, which is worked on when its turn comes', jobSchema),
      headers: z.object({ location: z.string() }),
    },
    400: problemJson('The form or its settings cannot be understood', problemSchema),
    404: problemJson('There is no such example', problemSchema),
    408: problemJson('The scenes arrive too slowly', problemSchema),
    413: problemJson('The scenes are too large', problemSchema),
    415: problemJson('Neither multipart nor JSON', problemSchema),
    503: off,
  },
});
const list = route(
  { method: 'get', path: PATH, operationId: 'registrations', summary: 'Own registrations, newest first' },
  { 200: json('Registrations', z.object({ registrations: z.array(jobSchema) }).openapi('Registrations')) },
);
const one = route(
  {
    ...{ method: 'get', path: `${PATH}/{id}`, operationId: 'registration', summary: 'State, progress and result' },
    request: { params: idParam },
  },
  { 200: json('The registration', jobSchema), 404: unknown },
);
const events = route(
  {
    ...{ method: 'get', path: `${PATH}/{id}/events`, operationId: 'registrationEvents' },
    summary: 'Server-sent events `job`, each with the registration, until it ends',
    request: { params: idParam },
  },
  { 200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } }, 404: unknown },
);
const file = route(
  {
    ...{ method: 'get', path: `${PATH}/{id}/files/{name}`, operationId: 'registrationFile' },
    summary: 'An output, or a scene as sar.tif or optical.tif; ranges of bytes are understood',
    request: { params: idParam.extend({ name: z.string() }) },
  },
  {
    ...{ 200: bytes, 206: { ...bytes, description: 'A part of the file' }, 404: unknown },
    416: problemJson('Bytes beyond the file', problemSchema),
  },
);
const remove = route(
  {
    ...{ method: 'delete', path: `${PATH}/{id}`, operationId: 'deleteRegistration' },
    summary: 'Cancel a registration, or forget a finished one',
    request: { params: idParam },
  },
  { 204: { description: 'Done' }, 404: unknown },
);
const exampleList = createRoute({
  ...{ method: 'get', path: '/v1/examples', operationId: 'examples', summary: 'Scenes to try' },
  responses: {
    200: json(
      'Examples',
      z
        .object({
          examples: z.array(z.object({ name: z.string(), title: z.string(), sar: z.string(), optical: z.string() })),
        })
        .openapi('Examples'),
    ),
  },
});
const exampleFile = createRoute({
  ...{ method: 'get', path: '/v1/examples/{name}/{file}', operationId: 'exampleFile', summary: 'Scene of an example' },
  request: { params: z.object({ name: z.string(), file: z.string() }) },
  responses: {
    ...{ 200: bytes, 206: { ...bytes, description: 'A part of the file' } },
    404: problemJson('There is no such example', problemSchema),
    416: problemJson('Bytes beyond the file', problemSchema),
  },
});

export const registrations = (deps: RegistrationDeps) => {
  const own = () => requireEnabled(deps.registrations);
  return [
    endpoint(create, 'register', async (c) => {
      const [service, contentType] = [own(), c.req.header('content-type') ?? ''];
      requireKnownType(contentType);
      const job = await (isJson(contentType) ? fromExample(c, service, deps) : fromUpload(c, service));
      return c.json(job, 202, { location: job.links.self });
    }),
    endpoint(list, 'register', (c) => c.json({ registrations: own().list(callerOf(c)) }, 200)),
    endpoint(one, 'register', (c) => {
      const { id } = c.req.valid('param');
      return c.json(found(own().find(id, callerOf(c)), id), 200);
    }),
    endpoint(events, 'register', (c) => {
      const { id } = c.req.valid('param');
      found(own().find(id, callerOf(c)), id);
      c.header('x-accel-buffering', 'no'); // nginx passes events on as they come
      if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream' }); // nobody reads
      return streamSSE(c, (stream) => sendChanges(stream, own(), id));
    }),
    endpoint(file, 'register', async (c) => {
      const { id, name } = c.req.valid('param');
      const served = found(await own().file(id, name, callerOf(c)), `${id}/files/${name}`);
      return fileResponse(served, c.req.header('range'));
    }),
    endpoint(remove, 'register', async (c) => {
      const { id } = c.req.valid('param');
      if (!(await own().remove(id, callerOf(c)))) throw missing(id);
      return c.body(null, 204);
    }),
    endpoint(exampleList, 'any key', (c) => {
      const href = (name: string) => ({
        sar: `/v1/examples/${name}/sar.tif`,
        optical: `/v1/examples/${name}/optical.tif`,
      });
      const examples = (deps.examples?.list ?? []).map((each) => ({ ...each, ...href(each.name) }));
      return c.json({ examples }, 200);
    }),
    endpoint(exampleFile, 'any key', async (c) => {
      const { name, file: asked } = c.req.valid('param');
      const scene = SCENES.find((each) => asked === `${each}.tif`);
      const served = scene && (await deps.examples?.file(name, scene));
      return fileResponse(found(served, `examples/${name}/${asked}`), c.req.header('range'));
    }),
  ] as const;
};

function requireEnabled(service: Registrations | undefined): Registrations {
  if (service) return service;
  const facts = explain('register scenes', 'a server with a folder for them', 'none', 'Start it with --data FOLDER.');
  throw problemError('not-enabled', facts);
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw missing(name);
  return value;
}

function missing(name: string): ProblemError {
  const shown = name.slice(0, 100);
  return problemError('not-found', { detail: `There is nothing called ${shown}, or not for this key.`, found: shown });
}

type JobContext = Context<{ Variables: AccessVariables }>;

/** Caller of a route; without a guard everybody sees all jobs. */
function callerOf(c: Context): JobCaller {
  const { caller, isAdmin } = (c as JobContext).var;
  return { owner: caller, seesAll: caller === undefined || isAdmin === true };
}

async function fromUpload(c: Context, service: Registrations) {
  const request = c.req.raw;
  const contentType = request.headers.get('content-type') ?? '';
  const announced = request.headers.get('content-length');
  const body = request.body ?? new Blob().stream();
  const upload = { body: decoded(body, codingOf(request)), contentType, signal: request.signal };
  return service.receive(upload, announced === null ? undefined : Number(announced), callerOf(c));
}

async function fromExample(c: Context, service: Registrations, { examples, limits }: RegistrationDeps) {
  const deadline = deadlineOf(c.req.raw.signal, limits.timeoutMs);
  try {
    const { example, settings: given } = parsed(await readBody(c.req.raw, limits.maxBytes, deadline.signal));
    const [sar, optical] = await Promise.all(SCENES.map((scene) => examples?.file(example, scene)));
    const named = (scene: ServedFile | undefined) => found(scene, `examples/${example}`);
    return await service.begin({ sar: named(sar), optical: named(optical) }, given, callerOf(c));
  } catch (error) {
    if (!deadline.hasPassed()) throw error;
    throw problemError('request-timeout', { detail: `The body must arrive within ${limits.timeoutMs / 1000} s.` });
  } finally {
    deadline.clear();
  }
}

function parsed(body: Uint8Array): z.infer<typeof exampleSchema> {
  const { success, data, error } = exampleSchema.safeParse(readJson(body, 'read the body'));
  if (success) return data;
  const expected = '{"example": NAME, "settings": {…}}; files come as multipart/form-data';
  throw problemError('malformed-request', explain('read the body', expected, foundBySchema(error)));
}

/** Milliseconds between two signs of life, which keep proxies from closing the connection. */
const ALIVE_MS = 15_000;

async function sendChanges(stream: SSEStreamingApi, service: Registrations, id: string): Promise<void> {
  const leaving = new AbortController();
  stream.onAbort(() => leaving.abort());
  let isRead = true;
  const alive = setInterval(() => {
    if (!isRead) return; // the last sign is still under way
    isRead = false;
    void stream.write(': alive\n\n').then(() => {
      isRead = true;
    });
  }, ALIVE_MS);
  try {
    for await (const job of service.changes(id, leaving.signal)) {
      await stream.writeSSE({ event: 'job', data: JSON.stringify(job) });
    }
  } finally {
    clearInterval(alive);
  }
}
